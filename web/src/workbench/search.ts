/** The patients last looked for. Kept in memory alone: a number must stand in no address and no history. */
import { effectScope, ref } from "vue"
import { send } from "@/api/client.ts"
import { type Reading, reading } from "@/api/reading.ts"
import type { components } from "@/api/schema.d.ts"

export type Found = components["schemas"]["PatientsFound"]

/** What stands in the field, and what was last asked for. */
export const typed = ref("")
export const asked = ref("")
export const foundAt = ref("")
/** The row that `j` and `k` moved to. */
export const chosen = ref(0)

const scope = effectScope(true) // as long as the page is open
export const found = scope.run(() =>
  reading(async (signal) => {
    const answer = await send("/api/v1/patients/search", { body: { text: asked.value }, signal })
    foundAt.value = new Date().toISOString()
    return answer
  }),
) as Reading<Found>

export async function find(): Promise<void> {
  const text = typed.value.trim()
  if (!text) return
  asked.value = text
  chosen.value = 0
  await found.start()
}

/** Nothing of one person's patients is left for the next at the same screen. */
export function forget(): void {
  typed.value = ""
  asked.value = ""
  found.data.value = undefined
}
