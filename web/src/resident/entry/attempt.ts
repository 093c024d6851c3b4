/** Sending an answer: busy while it is on its way, and why it was not taken. */
import { ref, shallowRef } from "vue"
import { Problem } from "@/api/client.ts"

export function attempt() {
  const busy = ref(false)
  const problem = shallowRef<Problem>()

  /** Do it, once at a time; false when the node refused or did not answer. */
  async function run(work: () => Promise<unknown>): Promise<boolean> {
    if (busy.value) return false
    busy.value = true
    problem.value = undefined
    try {
      await work()
      return true
    } catch (error) {
      if (!(error instanceof Problem)) throw error
      problem.value = error
      return false
    } finally {
      busy.value = false
    }
  }

  return { busy, problem, run }
}
