/** Measured results side by side: a row an item, a column a day at a hospital. */
import { dayOf } from "@/language/times.ts"
import { measured, rangeInWords } from "@/record/quantities.ts"
import { type Entry, isAbnormal } from "@/record/visits.ts"

export interface Column {
  key: string
  day: string
  hospital: string
  city: string
}

export interface Row {
  key: string
  name: string
  unit: string
  range: string
  /** By column; what was not measured is absent. */
  cells: ReadonlyMap<string, Entry>
  /** Every value, the oldest first. */
  values: number[]
}

export interface Comparison {
  columns: Column[]
  rows: Row[]
}

export const MOST_COLUMNS = 4

/** The newest days on which something was measured, and the items measured on them, abnormal ones first. */
export function comparisonOf(entries: readonly Entry[], most = MOST_COLUMNS): Comparison {
  const numbers = entries
    .filter(
      (entry) => entry.kind === "Observation" && !Number.isNaN(Number.parseFloat(entry.value)),
    )
    .sort((one, other) => Date.parse(other.at) - Date.parse(one.at))
  const columns: Column[] = []
  for (const entry of numbers) {
    const key = columnOf(entry)
    if (columns.length < most && !columns.some((one) => one.key === key)) {
      columns.push({
        key,
        day: dayOf(entry.at),
        hospital: entry.organisation,
        city: entry.node_name,
      })
    }
  }
  const items = new Map<string, Entry[]>()
  for (const entry of numbers)
    items.set(itemOf(entry), [...(items.get(itemOf(entry)) ?? []), entry])
  const shown = new Set(columns.map((one) => one.key))
  const rows = [...items]
    .map(([key, all]) => rowOf(key, all, shown))
    .filter((row) => row.cells.size > 0)
  return { columns, rows: rows.sort((one, other) => weight(other) - weight(one)) }
}

function rowOf(key: string, all: readonly Entry[], shown: ReadonlySet<string>): Row {
  const newest = all[0] as Entry
  const cells = new Map<string, Entry>()
  for (const entry of all) {
    const column = columnOf(entry)
    if (shown.has(column) && !cells.has(column)) cells.set(column, entry)
  }
  return {
    key,
    name: newest.display || newest.code,
    unit: measured(newest).unit,
    range: rangeInWords(newest),
    cells,
    values: all.map((entry) => Number.parseFloat(entry.value)).reverse(),
  }
}

/** Abnormal now before abnormal once before the rest. */
function weight(row: Row): number {
  const cells = [...row.cells.values()]
  return (cells[0] && isAbnormal(cells[0]) ? 2 : 0) + (cells.some(isAbnormal) ? 1 : 0)
}

function columnOf(entry: Entry): string {
  return `${dayOf(entry.at)} ${entry.organisation_code}`
}

/** The same item in the same unit: 5.1 mmol/L and 92 mg/dL are not to be read along one row. */
function itemOf(entry: Entry): string {
  return `${entry.code || entry.display} ${measured(entry).unit}`
}

/** A line through the values on a field of 100 × 24; empty for a single one. */
export function lineOf(values: readonly number[]): string {
  if (values.length < 2) return ""
  const least = Math.min(...values)
  const span = Math.max(...values) - least || 1
  return values
    .map((value, place) => {
      const x = (place / (values.length - 1)) * 96 + 2
      return `${x.toFixed(1)},${(21 - ((value - least) / span) * 18).toFixed(1)}`
    })
    .join(" ")
}
