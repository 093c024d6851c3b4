/** Readings that several steps share. */
import { read } from "@/api/client.ts"
import type { Choice } from "./choice.ts"
import { GENERAL } from "./choice.ts"
import { doctorOf, type Schedule } from "./offers.ts"
import type { Appointment } from "./telling.ts"

const PAGE = 200

/** Everything that can be booked in the chosen department, of the chosen doctor if there is one. */
export async function schedulesOf(choice: Choice, signal: AbortSignal): Promise<Schedule[]> {
  const found: Schedule[] = []
  let cursor: string | null = null
  do {
    const page: { items: Schedule[]; next: string | null } = await read("/api/v1/schedules", {
      query: {
        limit: PAGE,
        hospital: choice.hospital ?? "",
        own_department: choice.department ?? "",
        practitioner: choice.doctor === GENERAL ? null : (choice.doctor ?? null),
        cursor,
      },
      signal,
    })
    found.push(...page.items)
    cursor = page.next
  } while (cursor)
  return choice.doctor ? found.filter((one) => doctorOf(one) === choice.doctor) : found
}

/** A schedule with its periods. */
export function scheduleOf(id: string, signal: AbortSignal) {
  return read("/api/v1/schedules/{schedule_id}", { path: { schedule_id: id }, signal })
}

/** A page of one's own numbers, the latest first. */
export function numbersPage(
  cursor: string | null,
  limit: number,
  signal: AbortSignal,
): Promise<{ items: Appointment[]; next: string | null }> {
  return read("/api/v1/me/appointments", { query: { limit, cursor }, signal })
}
