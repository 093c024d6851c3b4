import { say as sayShared } from "@/language/shared.ts"
import { routed } from "@/session/routing.ts"
import HomePage from "./pages/HomePage.vue"
import { say } from "./words.ts"

export const router = routed(
  [
    { path: "/", component: HomePage, meta: { title: () => say("tabHome") } },
    {
      path: "/sign-in",
      component: () => import("./pages/SignInPage.vue"),
      meta: { open: true, title: () => sayShared("signIn") },
    },
    {
      path: "/record",
      component: () => import("./pages/RecordPage.vue"),
      meta: { title: () => say("record") },
    },
    {
      path: "/record/access",
      component: () => import("./pages/AccessPage.vue"),
      meta: { title: () => say("access") },
    },
    {
      path: "/me",
      component: () => import("./pages/MePage.vue"),
      meta: { title: () => say("me") },
    },
    {
      path: "/:nothing(.*)*",
      component: () => import("./pages/NotFoundPage.vue"),
      meta: { open: true, title: () => sayShared("notFound") },
    },
  ],
  () => say("product"),
  "/sign-in",
)
