/** What somebody chose so far: it stands in the address, so that going back loses nothing. */
import type { LocationQuery, RouteLocationRaw } from "vue-router"

export const STEPS = ["city", "hospital", "department", "doctor", "time", "check"] as const
export type Step = (typeof STEPS)[number]

export interface Choice {
  city?: string
  hospital?: string
  department?: string
  day?: string
  /** A doctor's id, or `general` for a clinic without one. */
  doctor?: string
  schedule?: string
  /** When the wanted period begins. */
  at?: string
  /** Makes a repeat the same booking. */
  key?: string
}

export const GENERAL = "general"
const PATHS: Readonly<Record<Step, string>> = {
  city: "/book",
  hospital: "/book/hospital",
  department: "/book/department",
  doctor: "/book/doctor",
  time: "/book/time",
  check: "/book/check",
}
/** What each step must know before it can ask. */
const NEEDED: Readonly<Record<Step, readonly (keyof Choice)[]>> = {
  city: [],
  hospital: ["city"],
  department: ["city", "hospital"],
  doctor: ["city", "hospital", "department"],
  time: ["city", "hospital", "department", "doctor"],
  check: ["city", "hospital", "department", "doctor", "schedule", "at"],
}
const NAMES = ["city", "hospital", "department", "day", "doctor", "schedule", "at", "key"] as const

/** The choice in an address. */
export function choiceIn(query: LocationQuery): Choice {
  const choice: Choice = {}
  for (const name of NAMES) {
    const value = query[name]
    if (typeof value === "string" && value) choice[name] = value
  }
  return choice
}

/** The address of a step, with what was chosen before it and `more`. */
export function stepTo(step: Step, choice: Choice, more: Choice = {}): RouteLocationRaw {
  const kept = NAMES.slice(0, NAMES.indexOf(LAST[step]) + 1)
  const all = { ...choice, ...more }
  const query: Record<string, string> = {}
  for (const name of NAMES) {
    const value = all[name]
    if (value && (kept.includes(name) || more[name])) query[name] = value
  }
  return { path: PATHS[step], query }
}

/** The last thing that a step keeps of what was chosen. */
const LAST: Readonly<Record<Step, (typeof NAMES)[number]>> = {
  city: "city",
  hospital: "hospital",
  department: "department",
  doctor: "day",
  time: "at",
  check: "key",
}

/** The step at which something is missing that a later one needs; undefined when nothing is. */
export function missingFor(step: Step, choice: Choice): Step | undefined {
  if (NEEDED[step].every((name) => choice[name])) return undefined
  return STEPS.slice(0, STEPS.indexOf(step))
    .reverse()
    .find((before) => NEEDED[before].every((name) => choice[name]))
}

/** A fresh key for one booking. */
export function newKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("")
}
