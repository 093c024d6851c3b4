/** One test over the years: points, the range that is usual, and where they lie on a picture. */
import { measured } from "@/record/quantities.ts"
import { DIRECTIONS, type Entry } from "@/record/visits.ts"

export interface Point {
  entry: Entry
  at: number
  value: number
  abnormal: boolean
  /** Which of the marks: the hospital's place among the hospitals. */
  mark: number
}

export interface Trend {
  /** Oldest first; only those in the unit of the newest. */
  points: Point[]
  unit: string
  low: number | undefined
  high: number | undefined
  hospitals: string[]
  /** Results that cannot be drawn: words, or another unit. */
  others: Entry[]
}

export interface Scale {
  /** Lines across, from the lowest to the highest. */
  ticks: number[]
  least: number
  most: number
}

const STEPS = [1, 2, 2.5, 5, 10]
const LINES = 4

/** Results of one test, newest first, as a trend. */
export function trendOf(entries: readonly Entry[]): Trend {
  const unit = entries.map((one) => measured(one)).find((one) => isNumber(one.value))?.unit ?? ""
  const fits = (entry: Entry) => {
    const { value, unit: own } = measured(entry)
    return isNumber(value) && own === unit
  }
  const drawn = entries.filter(fits)
  const hospitals = [...new Set(drawn.map((entry) => entry.organisation))]
  const range = drawn.find((one) => one.brief?.range_low != null || one.brief?.range_high != null)
  return {
    points: drawn
      .map((entry) => ({
        entry,
        at: Date.parse(entry.at),
        value: Number(measured(entry).value),
        abnormal: (entry.brief?.interpretation ?? "") in DIRECTIONS,
        mark: hospitals.indexOf(entry.organisation),
      }))
      .reverse(),
    unit,
    low: range?.brief?.range_low ?? undefined,
    high: range?.brief?.range_high ?? undefined,
    hospitals,
    others: entries.filter((entry) => !fits(entry)),
  }
}

/** Results since so many days before the newest; all when none are said. */
export function within(entries: readonly Entry[], days: number | undefined, now: number): Entry[] {
  if (days === undefined) return [...entries]
  return entries.filter((one) => Date.parse(one.at) > now - days * 86_400_000)
}

/** A scale in round numbers that holds the values and the limits of the range. */
export function scaleOf(values: readonly number[]): Scale {
  const least = Math.min(...values)
  const most = Math.max(...values)
  const room = most - least || Math.abs(most) || 1
  const rough = room / LINES
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = (STEPS.find((one) => one * power >= rough) ?? 10) * power
  const first = Math.floor((least - room * 0.1) / step)
  const last = Math.ceil((most + room * 0.1) / step)
  const from = least >= 0 ? Math.max(0, first) : first
  const ticks = Array.from({ length: last - from + 1 }, (_, number) =>
    Number(((from + number) * step).toPrecision(12)),
  )
  return { ticks, least: ticks[0] as number, most: ticks.at(-1) as number }
}

function isNumber(value: string): boolean {
  return value !== "" && Number.isFinite(Number(value))
}
