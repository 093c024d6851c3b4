/** What the wall makes of figures: decisions over plain values. */
import type { components } from "@/api/schema.d.ts"
import { CITIES } from "./cities.ts"

type Schemas = components["schemas"]
export type Figures = Schemas["Figures"]
export type FlowName = keyof Schemas["Flows"]
export type Answer = Schemas["FiguresOut"]
export type Now = Omit<Answer, "before" | "stream">
export type Then = Schemas["FiguresThen"]
export type Point = Schemas["Point"]
export type Node = Schemas["NodeOut"]
export type NodeState = Node["state"] | "absent"
export type Feed = Schemas["Feed"]
export type Numbers = Schemas["Numbers"]

export const MEASURES = ["visits", "booked", "persons", "share"] as const
export type Measure = (typeof MEASURES)[number]

export const STEP = 10
export const DAY = 24 * 60
const BELOW = 0.05
const OFTEN_REFUSED = 0.01
const SILENT_DAYS = 2

/** The share of today's numbers that is taken, in percent; null where there are none. */
export function shareTaken(figures: Pick<Figures, "taken" | "free">): number | null {
  const all = figures.taken + figures.free
  return all ? (figures.taken / all) * 100 : null
}

export function measured(measure: Measure, figures: Figures): number | null {
  return measure === "share" ? shareTaken(figures) : figures[measure]
}

export type Comparison =
  | { kind: "nothing" }
  | { kind: "same" | "up" | "down"; percent: number | null; was: number }

/** Now beside the same time of a day before; a day of which nothing at all is known says nothing. */
export function compared(name: FlowName, now: number, then: Then | undefined): Comparison {
  if (!then || then.trend.length === 0) return { kind: "nothing" }
  const was = then.total[name]
  const percent = was ? (Math.abs(now - was) / was) * 100 : null
  return { kind: now === was ? "same" : now > was ? "up" : "down", percent, was }
}

export interface Line {
  points: [minute: number, value: number][]
  whole: number
}

/** The ten minutes of a day up to a minute, each where it begins; what is not listed is nothing. */
export function perPeriod(trend: readonly Point[], name: FlowName, until = DAY): Line {
  const byMinute = new Map(trend.map((one) => [one.minute, one[name]]))
  const points: [number, number][] = []
  for (let minute = 0; minute < until; minute += STEP)
    points.push([minute, byMinute.get(minute) ?? 0])
  return { points, whole: points.reduce((sum, [, value]) => sum + value, 0) }
}

/** The same added up since midnight; the last point stands at `until`. */
export function addedUp(trend: readonly Point[], name: FlowName, until = DAY): Line {
  let sum = 0
  const points: [number, number][] = [[0, 0]]
  for (const [minute, value] of perPeriod(trend, name, until).points) {
    sum += value
    points.push([Math.min(minute + STEP, until), sum])
  }
  return { points, whole: sum }
}

/** The least round number that holds a value: 1, 2, 4 or 5 times a power of ten, even numbers first. */
export function roundAbove(value: number): number {
  if (value <= 4) return 4
  const power = 10 ** Math.floor(Math.log10(value))
  const step = [1, 2, 4, 6, 8, 10].find((one) => one * power >= value) ?? 10
  return step * power
}

/**
 * The edges of five classes: shares by twenties, counts so that each class holds about as many cities, for
 * the capital counts ten times what the others do; where that makes no five classes, equal steps.
 */
export function classesOf(values: readonly number[], measure: Measure): number[] {
  if (measure === "share") return [20, 40, 60, 80]
  const sorted = [...values].sort((one, other) => one - other)
  const fifths = [1, 2, 3, 4].map((n) =>
    roundBelow(sorted[Math.floor((n * sorted.length) / 5)] ?? 0),
  )
  if (fifths.every((edge, n) => edge > (fifths[n - 1] ?? 0))) return fifths
  const top = Math.max(5, roundAbove(sorted.at(-1) ?? 0))
  return [1, 2, 3, 4].map((n) => Math.round((top * n) / 5))
}

/** A number with two digits that count. */
function roundBelow(value: number): number {
  const power = 10 ** Math.max(Math.floor(Math.log10(Math.max(value, 1))) - 1, 0)
  return Math.floor(value / power) * power
}

/** The class of a value, 1 to 5. */
export function classOf(value: number, edges: readonly number[]): number {
  return edges.filter((edge) => value >= edge).length + 1
}

export interface CityRow {
  code: string
  state: NodeState
  node: Node | undefined
  figures: Figures | undefined
}

const ORDER: readonly NodeState[] = [
  "unreachable",
  "copying",
  "late",
  "waiting",
  "current",
  "absent",
]

/** All cities of the province, what is ill first, then by messages. */
export function cityRows(now: Now): CityRow[] {
  const nodes = new Map(now.nodes.map((one) => [one.code, one]))
  const places = new Map(now.places.map((one) => [one.code, one.figures]))
  const rows = CITIES.map(({ code }) => {
    const node = nodes.get(code)
    return { code, node, state: node?.state ?? ("absent" as const), figures: places.get(code) }
  })
  return rows.sort(
    (one, other) =>
      ORDER.indexOf(one.state) - ORDER.indexOf(other.state) ||
      (other.figures?.accepted ?? 0) - (one.figures?.accepted ?? 0) ||
      one.code.localeCompare(other.code),
  )
}

/** Until when the figures hold: the earliest moment of the cities that are heard of. */
export function heldUntil(nodes: readonly Node[]): string | null {
  const heard = nodes.filter((one) => one.state !== "unreachable").flatMap((one) => one.until ?? [])
  const all = heard.length ? heard : nodes.flatMap((one) => one.until ?? [])
  return all.reduce<string | null>(
    (least, one) => (least === null || Date.parse(one) < Date.parse(least) ? one : least),
    null,
  )
}

export interface Alarm {
  kind: "lost" | "late" | "copying" | "refused" | "silent"
  place: { code: string; name: string; isCity: boolean }
  until?: string | null
  count?: number
  taken?: number
}

/** What somebody should look at, the gravest first; nothing that is not known. */
export function alarmsOf(now: Now, feeds: readonly Feed[]): Alarm[] {
  const nodes: Alarm[] = now.nodes.flatMap((node) => {
    const kind = ({ unreachable: "lost", late: "late", copying: "copying" } as const)[
      node.state as "unreachable"
    ]
    const place = { code: node.code, name: node.name, isCity: true }
    return kind ? [{ kind, place, until: node.until }] : []
  })
  const isCity = now.city === null
  const refused: Alarm[] = now.places
    .filter(
      ({ figures: { refused, accepted } }) =>
        refused > 0 && refused >= (refused + accepted) * OFTEN_REFUSED,
    )
    .sort((one, other) => other.figures.refused - one.figures.refused)
    .map(({ code, name, figures }) => ({
      kind: "refused",
      place: { code, name, isCity },
      count: figures.refused,
      taken: figures.accepted,
    }))
  const today = Date.parse(now.day)
  const silent: Alarm[] = feeds
    .filter(
      (one) =>
        one.last_accepted && (today - Date.parse(one.last_accepted)) / 86_400_000 >= SILENT_DAYS,
    )
    .map(({ hospital, name, last_accepted }) => ({
      kind: "silent",
      place: { code: hospital, name, isCity: false },
      until: last_accepted,
    }))
  return [...nodes, ...refused, ...silent]
}

/** Shares of a feed by which hospitals are compared; null where there is nothing. */
export function qualityOf(feed: Numbers) {
  const all = (feed.accepted ?? 0) + (feed.refused ?? 0)
  return {
    takenShare: all ? (feed.accepted ?? 0) / all : null,
    timely: feed.within_a_day ?? null,
    complete: feed.completeness ?? null,
    identified: feed.patients ? (feed.identified ?? 0) / feed.patients : null,
  }
}
export type Quality = ReturnType<typeof qualityOf>
export const QUALITIES = ["takenShare", "timely", "complete", "identified"] as const

export interface Ranked {
  feed: Feed
  quality: Quality
  low: Record<keyof Quality, boolean>
}

/** Hospitals that pushed, those with most that is low first. */
export function ranked(feeds: readonly Feed[], total: Numbers): Ranked[] {
  const whole = qualityOf(total)
  return feeds
    .filter((feed) => (feed.accepted ?? 0) + (feed.refused ?? 0) > 0)
    .map((feed) => {
      const quality = qualityOf(feed)
      const isLow = (name: keyof Quality) => {
        const [own, all] = [quality[name], whole[name]]
        return own !== null && all !== null && own < all - BELOW
      }
      const low = Object.fromEntries(QUALITIES.map((name) => [name, isLow(name)]))
      return { feed, quality, low: low as Ranked["low"] }
    })
    .sort((one, other) => lows(other) - lows(one) || sum(one.quality) - sum(other.quality))
}

function lows(one: Ranked): number {
  return QUALITIES.filter((name) => one.low[name]).length
}

function sum(quality: Quality): number {
  return QUALITIES.reduce((all, name) => all + (quality[name] ?? 1), 0)
}

/** The minute of the day of a moment in the province. */
export function minuteOf(at: string): number {
  const [hour, minute] = at.slice(11, 16).split(":").map(Number)
  return (hour ?? 0) * 60 + (minute ?? 0)
}

/** Codes of the places whose figures are others than before. */
export function movedBetween(before: Now | undefined, now: Now): string[] {
  const was = new Map(before?.places.map((one) => [one.code, JSON.stringify(one.figures)]))
  return now.places
    .filter((one) => was.has(one.code) && was.get(one.code) !== JSON.stringify(one.figures))
    .map((one) => one.code)
}
