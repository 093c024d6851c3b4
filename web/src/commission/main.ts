import "@/design/base.css"
import "@/session/staff.css"
import { createApp, h } from "vue"
import { say } from "@/directory/words.ts"
import { followPreferences } from "@/language/preferences.ts"
import { say as sayShared } from "@/language/shared.ts"
import { routed } from "@/session/routing.ts"
import StaffApp from "@/session/StaffApp.vue"
import StaffSignIn from "@/session/StaffSignIn.vue"
import CitiesPage from "./CitiesPage.vue"

const HOME = "/commission/"
const SIGN_IN = "/commission/sign-in"

const router = routed(
  [
    { path: HOME, component: CitiesPage, meta: { title: () => say("institutions") } },
    {
      path: SIGN_IN,
      component: StaffSignIn,
      props: { home: HOME },
      meta: { open: true, title: () => sayShared("signIn") },
    },
    { path: "/:nothing(.*)*", redirect: HOME },
  ],
  () => say("commission"),
  SIGN_IN,
)

followPreferences()
createApp({ render: () => h(StaffApp, { product: say("commission"), signIn: SIGN_IN }) })
  .use(router)
  .mount("#app")
