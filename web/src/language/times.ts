/** Moments in words. The node writes them with the offset of the province, whose clock pages keep. */
import { language } from "./preferences.ts"

const ZONE = "Asia/Shanghai"
const DAY = 86_400_000
const FORMS = {
  day: { month: "long", day: "numeric" },
  dayOfYear: { year: "numeric", month: "long", day: "numeric" },
  weekday: { weekday: "short" },
  clock: { hour: "2-digit", minute: "2-digit", hour12: false },
  exact: { dateStyle: "full", timeStyle: "short" },
} as const satisfies Record<string, Intl.DateTimeFormatOptions>

/** The day of a moment, as 2026-11-20. */
export function dayOf(at: string | Date): string {
  return new Date(at).toLocaleDateString("sv-SE", { timeZone: ZONE })
}

/** “11月18日”, with the year unless it is this one. */
export function dayInWords(at: string, now = new Date()): string {
  return told(at, dayOf(at).slice(0, 4) === dayOf(now).slice(0, 4) ? "day" : "dayOfYear")
}

/** “周二”. */
export function weekdayInWords(at: string): string {
  return told(at, "weekday")
}

/** “11月”, with the year unless it is this one. */
export function monthInWords(at: string, now = new Date()): string {
  const month = language.value === "zh" ? "numeric" : "long"
  const year =
    dayOf(at).slice(0, 4) === dayOf(now).slice(0, 4) ? {} : ({ year: "numeric" } as const)
  return inForm(at, { ...year, month })
}

/** “10:26”. */
export function clock(at: string): string {
  return told(at, "clock")
}

/** Day, weekday and time in full. */
export function exactly(at: string): string {
  return told(at, "exact")
}

/** “前天”, “6 周前”: how long ago, by days of the calendar. */
export function ago(at: string, now = new Date()): string {
  const days = Math.round((Date.parse(dayOf(at)) - Date.parse(dayOf(now))) / DAY)
  const words = new Intl.RelativeTimeFormat(locale(), { numeric: "auto" })
  const span = Math.abs(days)
  if (span < 14) return words.format(days, "day")
  if (span < 60) return words.format(Math.trunc(days / 7), "week")
  if (span < 730) return words.format(Math.trunc(days / 30.44), "month")
  return words.format(Math.sign(days) * Math.trunc((span + 1) / 365.25), "year")
}

function told(at: string, form: keyof typeof FORMS): string {
  return inForm(at, FORMS[form])
}

function inForm(at: string, form: Intl.DateTimeFormatOptions): string {
  return new Intl.DateTimeFormat(locale(), { ...form, timeZone: ZONE }).format(new Date(at))
}

function locale(): string {
  return language.value === "zh" ? "zh-CN" : "en-GB"
}
