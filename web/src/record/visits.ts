/** The entries of a timeline as visits: what a resident remembers is a day at a hospital. */
import type { components } from "@/api/schema.d.ts"
import { dayOf } from "@/language/times.ts"

export type Entry = components["schemas"]["TimelineEntry"]

export interface Visit {
  key: string
  /** When it began, or when the newest of its entries was made. */
  at: string
  organisation: string
  city: string
  department: string
  practitioner: string
  setting: string
  diagnoses: string[]
  reason: string
  abnormal: Entry[]
  results: Entry[]
  medicines: Entry[]
  documents: Entry[]
  others: Entry[]
  size: number
}

type Shelf = "results" | "medicines" | "documents" | "others"

const SHELVES: Readonly<Record<string, Shelf>> = {
  Observation: "results",
  DiagnosticReport: "others",
  MedicationRequest: "medicines",
  MedicationStatement: "medicines",
  MedicationAdministration: "medicines",
  DocumentReference: "documents",
}
/** Codes of v3-ObservationInterpretation that say “not as usual”. */
export const DIRECTIONS: Readonly<
  Record<string, "high" | "highest" | "low" | "lowest" | "unusual">
> = {
  H: "high",
  HU: "high",
  HH: "highest",
  L: "low",
  LU: "low",
  LL: "lowest",
  A: "unusual",
  AA: "unusual",
  POS: "unusual",
}

/** Visits, newest first. An entry without a visit joins what its hospital recorded that day. */
export function visitsOf(entries: readonly Entry[]): Visit[] {
  const groups = new Map<string, Entry[]>()
  for (const entry of entries) {
    const group = groups.get(keyOf(entry))
    if (group) group.push(entry)
    else groups.set(keyOf(entry), [entry])
  }
  return [...groups].map(([key, group]) => visitOf(key, group)).sort(newestFirst)
}

/** Whether a result is out of the ordinary, as its laboratory said. */
export function isAbnormal(entry: Entry): boolean {
  return (entry.brief?.interpretation ?? "") in DIRECTIONS
}

function keyOf(entry: Entry): string {
  return entry.visit ?? `${entry.organisation_code} ${dayOf(entry.at)}`
}

function visitOf(key: string, entries: Entry[]): Visit {
  const encounter = entries.find((entry) => entry.kind === "Encounter")
  const first = encounter ?? (entries[0] as Entry)
  const visit: Visit = {
    key,
    at: first.at,
    organisation: first.organisation,
    city: first.node_name,
    department: encounter?.brief?.department ?? "",
    practitioner: encounter?.brief?.practitioner ?? "",
    setting: encounter?.brief?.setting ?? "",
    diagnoses: [],
    reason: encounter?.brief?.reason ?? "",
    abnormal: [],
    results: [],
    medicines: [],
    documents: [],
    others: [],
    size: entries.length,
  }
  for (const entry of entries) {
    if (entry === encounter) continue
    if (entry.kind === "Condition") {
      if (entry.display && !visit.diagnoses.includes(entry.display)) {
        visit.diagnoses.push(entry.display)
      }
    } else if (isAbnormal(entry)) visit.abnormal.push(entry)
    else visit[SHELVES[entry.kind] ?? "others"].push(entry)
  }
  return visit
}

function newestFirst(one: Visit, other: Visit): number {
  return Date.parse(other.at) - Date.parse(one.at)
}
