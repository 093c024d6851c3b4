/** Schedules as days and doctors. */
import type { components } from "@/api/schema.d.ts"
import { dayOf } from "@/language/times.ts"
import { GENERAL } from "./choice.ts"

export type Schedule = components["schemas"]["ScheduleOut"]

export interface Day {
  day: string
  /** Numbers left, or undefined when nobody sees patients. */
  left: number | undefined
}

const DAY = 86_400_000
const WEEK = 7

/** Every day from today to the last that can be booked, at least a week, with what is left. */
export function daysOf(schedules: readonly Schedule[], now = new Date()): Day[] {
  const left = new Map<string, number>()
  for (const one of schedules) left.set(one.day, (left.get(one.day) ?? 0) + one.left)
  const first = Date.parse(dayOf(now))
  const last = Math.max(first + (WEEK - 1) * DAY, ...[...left.keys()].map(Date.parse))
  const days: Day[] = []
  for (let at = first; at <= last; at += DAY) {
    const day = new Date(at).toISOString().slice(0, 10)
    days.push({ day, left: left.get(day) })
  }
  return days
}

/** The day to show first: the wanted one, else the first with numbers left, else the first with any. */
export function dayToShow(days: readonly Day[], wanted?: string): string {
  const found =
    days.find((one) => one.day === wanted) ??
    days.find((one) => one.left) ??
    days.find((one) => one.left === 0) ??
    days[0]
  return found?.day ?? ""
}

/** Who sees patients in a schedule, as an address says it. */
export function doctorOf(schedule: Schedule): string {
  return schedule.practitioner?.id ?? GENERAL
}

/** Schedules of one day, those with numbers left first, then by time. */
export function onDay(schedules: readonly Schedule[], day: string): Schedule[] {
  return schedules
    .filter((one) => one.day === day)
    .sort(
      (one, other) =>
        Number(other.left > 0) - Number(one.left > 0) ||
        Date.parse(one.starts_at) - Date.parse(other.starts_at),
    )
}
