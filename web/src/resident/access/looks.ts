/** Rows of the audit as sentences: who, did what, when, why. */
import type { components } from "@/api/schema.d.ts"
import { dayOf } from "@/language/times.ts"

export type Access = components["schemas"]["AccessEntry"]

/** Rows of one actor and act on one day, told once. */
export interface Look {
  key: string
  newest: Access
  count: number
}

export interface Month {
  key: string
  at: string
  looks: Look[]
  own: number
}

export interface Summary {
  looks: number
  places: number
  refused: number
}

const REFUSED = "refused"
const OWN = "resident"
const STORED = "record.write"

/** Whether the person looked at the own record. */
export function isOwn(row: Access): boolean {
  return row.role_code === OWN
}

/** What stands at the top: looks by others, from how many institutions, how many in vain. */
export function summaryOf(rows: readonly Access[]): Summary {
  const others = rows.filter((row) => !isOwn(row))
  const allowed = others.filter((row) => row.outcome_code !== REFUSED)
  const looks = allowed.filter((row) => row.action_code !== STORED)
  return {
    looks: looks.length,
    places: new Set(looks.map((row) => row.organisation).filter(Boolean)).size,
    refused: others.length - allowed.length,
  }
}

/** Attempts that were turned away, each actor and day once. */
export function refusedOf(rows: readonly Access[]): Look[] {
  return together(rows.filter((row) => !isOwn(row) && row.outcome_code === REFUSED))
}

/** Months, newest first, with what others did and how often the person looked. */
export function monthsOf(rows: readonly Access[]): Month[] {
  const months = new Map<string, Access[]>()
  for (const row of rows) {
    if (row.outcome_code === REFUSED && !isOwn(row)) continue
    const month = dayOf(row.at).slice(0, 7)
    months.set(month, [...(months.get(month) ?? []), row])
  }
  return [...months].map(([key, inMonth]) => ({
    key,
    at: inMonth[0]?.at ?? "",
    looks: together(inMonth.filter((row) => !isOwn(row))),
    own: inMonth.filter(isOwn).length,
  }))
}

/** Who acted, as a sentence begins. */
export function whoIn(row: Access): string {
  const name = row.role_code === "hospital_system" ? row.role : row.who || row.role
  return [row.organisation, name].filter(Boolean).join(" ")
}

function together(rows: readonly Access[]): Look[] {
  const looks = new Map<string, Look>()
  for (const row of rows) {
    // An emergency is told apart from the same person's other looks of the day.
    const key = [
      dayOf(row.at),
      row.role_code,
      row.organisation,
      row.who,
      row.action_code,
      row.purpose_code,
    ].join("|")
    const look = looks.get(key)
    if (look) look.count += 1
    else looks.set(key, { key, newest: row, count: 1 })
  }
  return [...looks.values()]
}
