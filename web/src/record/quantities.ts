/** Values and reference ranges as they are shown. */
import type { Entry } from "./visits.ts"

export interface Bar {
  /** Where the usual range and the value lie, in parts of the whole. */
  from: number
  to: number
  at: number
}

/** How a direction is drawn beside its word. */
export const ARROWS = { high: "↑", highest: "↑↑", low: "↓", lowest: "↓↓", unusual: "" } as const

const POWERS: Readonly<Record<string, string>> = { "9": "⁹", "12": "¹²", "6": "⁶", "3": "³" }

/** A UCUM unit as a report prints it: 10*9/L is 10⁹/L. */
export function unitInWords(unit: string): string {
  return unit
    .replace(/^10\*(\d+)/, (_, power: string) => `10${POWERS[power] ?? `^${power}`}`)
    .replace(/^Cel$/, "℃")
    .replace(/^u(?=[a-zA-Z])/, "μ")
    .replaceAll("mm[Hg]", "mmHg")
}

/** Number and unit of a value; where it is words, they are the number. */
export function measured(entry: Entry): { value: string; unit: string } {
  const match = /^([<>≤≥]?=?\s*-?\d[\d.eE+-]*)\s*(.*)$/.exec(entry.value)
  return match
    ? { value: match[1] ?? "", unit: unitInWords(match[2] ?? "") }
    : { value: unitInWords(entry.value), unit: "" }
}

/** “3.9–6.1”, “<3.40”, or the source's words; empty when it states no range. */
export function rangeInWords(entry: Entry): string {
  const { range_low: low, range_high: high, range_text: text } = entry.brief ?? {}
  if (low != null && high != null) return `${low}–${high}`
  if (high != null) return `<${high}`
  if (low != null) return `>${low}`
  return text ?? ""
}

/** The bar that shows a value against its range; none where one of them is not a number. */
export function barOf(entry: Entry): Bar | undefined {
  const { range_low: low, range_high: high } = entry.brief ?? {}
  const at = Number.parseFloat(entry.value)
  if (Number.isNaN(at) || (low == null && high == null)) return undefined
  const bottom = low ?? 0
  const top = high ?? bottom * 2
  const room = (top - bottom) * 0.5 || 1
  const least = low == null ? 0 : Math.min(bottom - room, at)
  const most = Math.max(top + room, at)
  const part = (value: number) => (value - least) / (most - least)
  return {
    from: low == null ? 0 : part(bottom),
    to: high == null ? 1 : part(top),
    at: Math.min(0.96, Math.max(0.04, part(at))),
  }
}
