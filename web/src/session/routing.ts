/** Routers of the entries: who is not signed in signs in first, and the focus follows the page. */
import { nextTick, watch } from "vue"
import { createRouter, createWebHistory, type RouteRecordRaw, type Router } from "vue-router"
import { known, renew, session, unknown } from "./session.ts"

declare module "vue-router" {
  interface RouteMeta {
    /** Shown to whoever comes. */
    open?: boolean
    /** The title of the page, in the chosen language. */
    title?: () => string
    /** A step of a journey: no tabs lead away from it. */
    alone?: boolean
    /** Only for an account that is bound to a person. */
    bound?: boolean
    /** The page has its own head and fills the screen. */
    fills?: boolean
  }
}

export function routed(routes: RouteRecordRaw[], product: () => string, signIn: string): Router {
  const router = createRouter({
    history: createWebHistory(),
    routes,
    scrollBehavior: (to, from, saved) => saved ?? (to.path === from.path ? {} : { top: 0 }),
  })

  router.beforeEach(async (to) => {
    if (to.meta.open) return true
    if (await known()) {
      void renew().catch(() => undefined) // a refusal is heard by the session itself
      return true
    }
    return unknown.value ? true : { path: signIn, query: { next: to.fullPath } }
  })

  // A part of a page that is gone belongs to an older build: the address leads to the new one.
  window.addEventListener("vite:preloadError", () => location.reload())

  router.afterEach(async (to, from) => {
    const title = to.meta.title?.()
    document.title = title ? `${title} · ${product()}` : product()
    const isFirst = from.matched.length === 0
    if (isFirst || to.path === from.path) return
    await nextTick()
    focusContent()
  })

  watch(session, (now, before) => {
    const here = router.currentRoute.value
    if (before && now === null && !here.meta.open) {
      void router.push({ path: signIn, query: { next: here.fullPath } })
    }
  })

  return router
}

/** Put the focus where a page begins, so that a screen reader reads its heading. */
export function focusContent(): void {
  const heading = document.querySelector<HTMLElement>("h1") ?? document.querySelector("main")
  heading?.setAttribute("tabindex", "-1")
  heading?.focus({ preventScroll: true })
}
