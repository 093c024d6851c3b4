/** Why a number was not booked or not given back: what happened, and what to do about it. */
import type { Problem } from "@/api/client.ts"
import { type BookingWord, say } from "./words.ts"

export type Remedy = "time" | "numbers" | "again"

export interface Refusal {
  title: string
  text: string
  remedy: Remedy
}

const BY_CODE: Readonly<Record<string, readonly [BookingWord, BookingWord, Remedy]>> = {
  "sold-out": ["soldOut", "soldOutText", "time"],
  "already-booked": ["alreadyBooked", "alreadyBookedText", "numbers"],
  "schedule-stopped": ["stopped", "stoppedText", "time"],
  "schedule-over": ["over", "overText", "time"],
  "not-open-yet": ["notOpen", "notOpenText", "time"],
  "city-unreachable": ["unreachable", "unreachableText", "again"],
  unreachable: ["noAnswer", "unreachableText", "again"],
}
const LIMITS: Readonly<Record<string, readonly [BookingWord, BookingWord, Remedy]>> = {
  "most-open": ["limitOpen", "limitOpenText", "numbers"],
  "most-per-department-and-day": ["limitDay", "limitDayText", "numbers"],
}

/** What to say of a booking that failed; undefined for what nobody foresaw. */
export function refusalOf(problem: Problem, city: string): Refusal | undefined {
  const limit = LIMITS[String(problem.facts.limit)]
  const known = problem.code === "limit-reached" ? limit : BY_CODE[problem.code]
  if (!known) return undefined
  const [title, text, remedy] = known
  const facts = { city, most: String(problem.facts.most ?? "") }
  return { title: say(title, facts), text: say(text, facts), remedy }
}
