/** Schedules and numbers in words. */
import type { components } from "@/api/schema.d.ts"
import { language } from "@/language/preferences.ts"
import { clock, dayInWords, weekdayInWords } from "@/language/times.ts"
import type { Schedule } from "./offers.ts"
import { BOOKING, type BookingWord, say } from "./words.ts"

export type Appointment = components["schemas"]["AppointmentOut"]
export type Period = components["schemas"]["PeriodOut"]
type Between = Pick<Appointment, "starts_at" | "ends_at">

const EARLY = 15 * 60_000

/** “¥30”, “¥12.50”, or that nothing is to be paid. */
export function feeInWords(fen: number): string {
  if (!fen) return say("free")
  return `¥${fen % 100 ? (fen / 100).toFixed(2) : fen / 100}`
}

/** “9:30–10:00”. */
export function between(one: Between): string {
  return `${clock(one.starts_at)}–${clock(one.ends_at)}`
}

/** “11月24日 周二”, “Tue 24 November”. */
export function dayAndWeekday(day: string): string {
  const both = [dayInWords(day), weekdayInWords(day)]
  return (language.value === "zh" ? both : both.reverse()).join(" ")
}

/** “11月24日 周二 9:30–10:00”. */
export function whenOf(one: Between): string {
  return `${dayAndWeekday(one.starts_at)} ${between(one)}`
}

/** A quarter of an hour before it begins. */
export function arriveBy(one: Between): string {
  return new Date(Date.parse(one.starts_at) - EARLY).toISOString()
}

/** “王玉萍 主任医师”, or that it is a clinic without a doctor's name. */
export function doctorInWords(one: {
  practitioner: Schedule["practitioner"]
  title?: string
}): string {
  if (!one.practitioner) return say("general")
  return [one.practitioner.name, titleInWords(one.title ?? "")].filter(Boolean).join(" ")
}

/** A title of GB/T 8561; empty when it is none of a doctor. */
export function titleInWords(code: string): string {
  return word(`title.${code}`)
}

/** “三级甲等”; empty for a hospital without a level. */
export function levelInWords(one: { level: string; grade: string }): string {
  const level = word(`level.${one.level}`)
  return level && level + word(`grade.${one.grade}`)
}

/** “上午”, by when it begins. */
export function periodInWords(period: string): string {
  return word(`period.${period}`)
}

/** “余 9”, “约满”, “不出诊”. */
export function leftInWords(left: number | undefined): string {
  if (left === undefined) return say("closed")
  return left ? say("left", { count: left }) : say("full")
}

/** Names by how they are said. */
export function byName<T extends { name: string }>(rows: readonly T[]): T[] {
  const order = new Intl.Collator(language.value === "zh" ? "zh-CN" : "en")
  return [...rows].sort((one, other) => order.compare(one.name, other.name))
}

function word(key: string): string {
  return key in BOOKING ? say(key as BookingWord) : ""
}
