/** Numbers and moments as the wall writes them. */
import { language } from "@/language/preferences.ts"
import type { Measure } from "./figures.ts"

const ZONE = "Asia/Shanghai"

function locale(): string {
  return language.value === "zh" ? "zh-CN" : "en-GB"
}

export function counted(value: number): string {
  return value.toLocaleString(locale())
}

/** For axes: 2万, 20K. */
export function short(value: number): string {
  return new Intl.NumberFormat(locale(), {
    notation: value < 10_000 ? "standard" : "compact",
  }).format(value)
}

export function percent(value: number | null, digits = 0): string {
  return value === null ? "—" : `${value.toFixed(digits)}%`
}

/** A value of what the map shows. */
export function inMeasure(measure: Measure, value: number | null): string {
  if (measure === "share") return percent(value)
  return value === null ? "—" : counted(value)
}

export function clockWithSeconds(at: string | Date): string {
  return inForm(at, { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false })
}

export function weekday(day: string): string {
  return inForm(`${day}T12:00:00+08:00`, { weekday: "short" })
}

/** “11月22日 周日”. */
export function dayWithWeekday(at: string | Date): string {
  return inForm(at, { month: "long", day: "numeric", weekday: "short" })
}

function inForm(at: string | Date, form: Intl.DateTimeFormatOptions): string {
  return new Intl.DateTimeFormat(locale(), { ...form, timeZone: ZONE }).format(new Date(at))
}
