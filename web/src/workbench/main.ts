import "@/design/base.css"
import "@/session/staff.css"
import { createApp, h } from "vue"
import { say as sayDirectory } from "@/directory/words.ts"
import { followPreferences } from "@/language/preferences.ts"
import { say as sayShared } from "@/language/shared.ts"
import { routed } from "@/session/routing.ts"
import StaffSignIn from "@/session/StaffSignIn.vue"
import InstitutionsPage from "./InstitutionsPage.vue"
import WorkbenchApp from "./WorkbenchApp.vue"
import WorkbenchHome from "./WorkbenchHome.vue"
import { say } from "./words.ts"

const HOME = "/workbench/"
const INSTITUTIONS = "/workbench/institutions"
const SIGN_IN = "/workbench/sign-in"

const router = routed(
  [
    { path: HOME, component: WorkbenchHome, meta: { title: () => say("product") } },
    {
      path: "/workbench/patient",
      component: () => import("./patient/PatientPage.vue"),
      meta: { title: () => say("patient") },
    },
    {
      path: INSTITUTIONS,
      component: InstitutionsPage,
      meta: { title: () => sayDirectory("institutions") },
    },
    {
      path: SIGN_IN,
      component: StaffSignIn,
      props: { home: HOME },
      meta: { open: true, title: () => sayShared("signIn") },
    },
    { path: "/:nothing(.*)*", redirect: HOME },
  ],
  () => sayDirectory("workbench"),
  SIGN_IN,
)

followPreferences()
createApp({
  render: () => h(WorkbenchApp, { home: HOME, institutions: INSTITUTIONS, signIn: SIGN_IN }),
})
  .use(router)
  .mount("#app")
