/** One's own numbers as they are known here: what was just done is seen at once. */
import { ref } from "vue"
import type { Appointment } from "./telling.ts"

/** Numbers booked or given back on this page lately, as the hospital's city told of them. */
export const lately = ref<Appointment[]>([])

export function remember(appointment: Appointment): void {
  lately.value = [appointment, ...lately.value.filter((one) => one.id !== appointment.id)]
}

/** A list with what was just done in it, the latest first. */
export function withLately(listed: readonly Appointment[], done = lately.value): Appointment[] {
  const known = new Map(done.map((one) => [one.id, one]))
  const rows = listed.map((one) => {
    const newer = known.get(one.id)
    known.delete(one.id)
    return newer?.status === "cancelled" ? newer : one
  })
  return [...known.values(), ...rows].sort(
    (one, other) => Date.parse(other.starts_at) - Date.parse(one.starts_at),
  )
}

/** Whether somebody still has to go there. */
export function isComing(one: Appointment, now = Date.now()): boolean {
  return one.status === "booked" && Date.parse(one.ends_at) > now
}

/** What is to come, the soonest first. */
export function comingOf(rows: readonly Appointment[], now = Date.now()): Appointment[] {
  return rows
    .filter((one) => isComing(one, now))
    .sort((one, other) => Date.parse(one.starts_at) - Date.parse(other.starts_at))
}
