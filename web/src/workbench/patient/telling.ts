/** A visit in a few words. */
import type { Visit } from "@/record/visits.ts"
import { say, sayCode, type WorkbenchWord } from "../words.ts"

/** What it was about: the diagnoses, else why the person came, else what was recorded. */
export function headlineOf(visit: Visit): string {
  if (visit.diagnoses.length) return visit.diagnoses.join("，")
  if (visit.reason) return visit.reason
  const shelves: [number, WorkbenchWord][] = [
    [visit.abnormal.length + visit.results.length, "partResults"],
    [visit.medicines.length, "partMedicines"],
    [visit.documents.length, "documents"],
  ]
  const first = shelves.find(([count]) => count > 0)
  const other = visit.others[0]
  return first ? say(first[1]) : other?.display || other?.kind_name || say("recorded")
}

/** In what setting: out-patient, in-patient, emergency. */
export function settingOf(visit: Visit): string {
  return visit.setting ? sayCode("setting", visit.setting) : say("recorded")
}
