/** The parts of a record that a doctor looks at one by one. */
import type { Entry } from "@/record/visits.ts"
import type { WorkbenchWord } from "../words.ts"

export const PARTS = {
  all: "partAll",
  visits: "partVisits",
  results: "partResults",
  medicines: "partMedicines",
  documents: "partDocuments",
  others: "partOthers",
} as const satisfies Record<string, WorkbenchWord>

export type PartName = keyof typeof PARTS

const PART_OF: Readonly<Record<string, PartName>> = {
  Encounter: "visits",
  Condition: "visits",
  Observation: "results",
  DiagnosticReport: "results",
  MedicationRequest: "medicines",
  MedicationStatement: "medicines",
  MedicationAdministration: "medicines",
  DocumentReference: "documents",
}

export function partOf(entry: Entry): PartName {
  return PART_OF[entry.kind] ?? "others"
}

/** How many of the entries belong to each part. */
export function countsOf(entries: readonly Entry[]): Record<PartName, number> {
  const counts = {
    all: entries.length,
    visits: 0,
    results: 0,
    medicines: 0,
    documents: 0,
    others: 0,
  }
  for (const entry of entries) counts[partOf(entry)] += 1
  return counts
}

/** The newest prescription of each medicine, newest first. */
export function medicinesOf(entries: readonly Entry[]): Entry[] {
  const newest = new Map<string, Entry>()
  for (const entry of entries) {
    if (entry.kind !== "MedicationRequest") continue
    const key = entry.display || entry.code
    const known = newest.get(key)
    if (!known || Date.parse(known.at) < Date.parse(entry.at)) newest.set(key, entry)
  }
  return [...newest.values()].sort((one, other) => Date.parse(other.at) - Date.parse(one.at))
}
