import { say as sayShared } from "@/language/shared.ts"
import { routed } from "@/session/routing.ts"
import { session } from "@/session/session.ts"
import { type BookingWord, say as sayBooking } from "./booking/words.ts"
import { say as sayEntry } from "./entry/words.ts"
import HomePage from "./pages/HomePage.vue"
import { say } from "./words.ts"

/** A step of a journey of somebody who is known. */
const step = (word: BookingWord) => ({ alone: true, bound: true, title: () => sayBooking(word) })

export const router = routed(
  [
    { path: "/", component: HomePage, meta: { title: () => say("tabHome") } },
    {
      path: "/sign-in",
      component: () => import("./pages/SignInPage.vue"),
      meta: { open: true, title: () => sayShared("signIn") },
    },
    {
      path: "/sign-in/code",
      component: () => import("./pages/SignInCodePage.vue"),
      meta: { open: true, title: () => sayEntry("code") },
    },
    {
      path: "/sign-in/password",
      component: () => import("./pages/SignInPasswordPage.vue"),
      meta: { open: true, title: () => sayShared("signIn") },
    },
    {
      path: "/bind",
      component: () => import("./pages/BindPage.vue"),
      meta: { alone: true, title: () => sayEntry("bind") },
    },
    {
      path: "/book",
      component: () => import("./pages/BookCityPage.vue"),
      meta: step("askCity"),
    },
    {
      path: "/book/hospital",
      component: () => import("./pages/BookHospitalPage.vue"),
      meta: step("askHospital"),
    },
    {
      path: "/book/department",
      component: () => import("./pages/BookDepartmentPage.vue"),
      meta: step("askDepartment"),
    },
    {
      path: "/book/doctor",
      component: () => import("./pages/BookDoctorPage.vue"),
      meta: step("askDoctor"),
    },
    {
      path: "/book/time",
      component: () => import("./pages/BookTimePage.vue"),
      meta: step("askTime"),
    },
    {
      path: "/book/check",
      component: () => import("./pages/BookCheckPage.vue"),
      meta: step("askCheck"),
    },
    {
      path: "/numbers",
      component: () => import("./pages/NumbersPage.vue"),
      meta: { bound: true, title: () => sayBooking("numbers") },
    },
    {
      path: "/numbers/number",
      component: () => import("./pages/NumberPage.vue"),
      meta: step("number"),
    },
    {
      path: "/record",
      component: () => import("./pages/RecordPage.vue"),
      meta: { bound: true, title: () => say("record") },
    },
    {
      path: "/record/trend",
      component: () => import("./pages/TrendPage.vue"),
      meta: { bound: true, title: () => say("trend") },
    },
    {
      path: "/record/access",
      component: () => import("./pages/AccessPage.vue"),
      meta: { bound: true, title: () => say("access") },
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

// Who is known by phone only first says who they are.
router.beforeEach((to) =>
  to.meta.bound && session.value && !session.value.person_id
    ? { path: "/bind", query: { next: to.fullPath } }
    : true,
)
