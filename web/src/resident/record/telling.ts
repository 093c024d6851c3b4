/** A visit in a few words. */
import type { RouteLocationRaw } from "vue-router"
import { measured } from "@/record/quantities.ts"
import type { Entry, Visit } from "@/record/visits.ts"
import { say } from "../words.ts"

const SETTINGS = ["AMB", "IMP", "EMER", "VR", "HH"] as const

/** What it was about: the diagnoses, else why the person came, else what was recorded. */
export function headlineOf(visit: Visit): string {
  if (visit.diagnoses.length) return visit.diagnoses.join("，")
  if (visit.reason) return visit.reason
  const shelves = { ...visit, results: [...visit.abnormal, ...visit.results] }
  const first = (["results", "medicines", "documents"] as const).find((one) => shelves[one].length)
  if (first) return say(first)
  return visit.others[0]?.kind_name ?? say("visit")
}

/** Hospital and department. */
export function whereOf(visit: Visit): string {
  return [visit.organisation, visit.department].filter(Boolean).join(" · ")
}

/** In what setting and with whom. */
export function howOf(visit: Visit): string {
  const setting = SETTINGS.find((one) => one === visit.setting)
  return [setting ? say(setting) : "", visit.practitioner].filter(Boolean).join(" · ")
}

/** Where all results of a test are; undefined for what is no number with a code. */
export function trendTo(entry: Entry): RouteLocationRaw | undefined {
  if (!entry.code || !/^-?\d/.test(measured(entry).value)) return undefined
  return { path: "/record/trend", query: { code: `${entry.code_system}|${entry.code}` } }
}
