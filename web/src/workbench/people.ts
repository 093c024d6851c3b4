/** Age and sex in words. */
import { dayOf } from "@/language/times.ts"
import { say, sayCode } from "./words.ts"

/** Completed months between two days, as 2026-11-20. */
export function monthsBetween(birth: string, today: string): number {
  const [year, month, day] = birth.split("-").map(Number) as [number, number, number]
  const [thisYear, thisMonth, thisDay] = today.split("-").map(Number) as [number, number, number]
  return (thisYear - year) * 12 + thisMonth - month - (thisDay < day ? 1 : 0)
}

/** “58 岁”, for small children “7 个月”; empty where no birth date is known. */
export function ageInWords(birth: string | null, now = new Date()): string {
  if (!birth) return ""
  const months = monthsBetween(birth, dayOf(now))
  return months < 36
    ? say("months", { count: months })
    : say("years", { count: Math.floor(months / 12) })
}

/** Sex by its code of GB/T 2261.1. */
export function sexInWords(code: string): string {
  return sayCode("sex", code || "0")
}
