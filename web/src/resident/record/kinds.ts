/** What a resident may ask the timeline for, as FHIR types. */
import type { ResidentWord } from "../words.ts"

export const KINDS = {
  all: { word: "kindAll", types: "" },
  visits: { word: "kindVisits", types: "Encounter,Condition" },
  results: { word: "kindResults", types: "Observation,DiagnosticReport" },
  medicines: {
    word: "kindMedicines",
    types: "MedicationRequest,MedicationStatement,MedicationAdministration",
  },
  vaccines: { word: "kindVaccines", types: "Immunization" },
  allergies: { word: "kindAllergies", types: "AllergyIntolerance" },
  documents: { word: "kindDocuments", types: "DocumentReference" },
} as const satisfies Record<string, { word: ResidentWord; types: string }>

export type KindName = keyof typeof KINDS

/** The kind that an address names, or all. */
export function kindNamed(name: unknown): KindName {
  return typeof name === "string" && name in KINDS ? (name as KindName) : "all"
}
