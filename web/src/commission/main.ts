import "@/design/base.css"
import "@/session/staff.css"
import "./wall.css"
import { createApp, h } from "vue"
import { RouterView } from "vue-router"
import { say } from "@/directory/words.ts"
import { followPreferences } from "@/language/preferences.ts"
import { say as sayShared } from "@/language/shared.ts"
import { routed } from "@/session/routing.ts"
import StaffApp from "@/session/StaffApp.vue"
import StaffSignIn from "@/session/StaffSignIn.vue"
import { session } from "@/session/session.ts"
import { WALL } from "./addresses.ts"

const SIGN_IN = "/commission/sign-in"

const router = routed(
  [
    {
      path: WALL,
      component: () => import("./WallPage.vue"),
      meta: { title: () => "", fills: true },
    },
    {
      path: "/commission/institutions",
      component: () => import("./CitiesPage.vue"),
      meta: { title: () => say("institutions") },
    },
    {
      path: SIGN_IN,
      component: StaffSignIn,
      props: { home: WALL },
      meta: { open: true, title: () => sayShared("signIn") },
    },
    { path: "/:nothing(.*)*", redirect: WALL },
  ],
  () => say("commission"),
  SIGN_IN,
)

followPreferences()
createApp({
  render: () =>
    router.currentRoute.value.meta.fills && session.value
      ? h(RouterView)
      : h(StaffApp, { product: say("commission"), signIn: SIGN_IN }),
})
  .use(router)
  .mount("#app")
