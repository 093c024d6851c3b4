/** The states of a view that reads from the node. */
import { onScopeDispose, type Ref, ref, shallowRef } from "vue"
import { Problem } from "./client.ts"

export type State = "waiting" | "loading" | "ready" | "failed"

/** A skeleton that is gone at once only flickers. */
const SKELETON_AFTER = 200

export interface Reading<T> {
  state: Ref<State>
  data: Ref<T | undefined>
  problem: Ref<Problem | undefined>
  start: () => Promise<void>
}

/** Run `load` and say how it stands; a newer start abandons the one before. */
export function reading<T>(load: (signal: AbortSignal) => Promise<T>): Reading<T> {
  const state = ref<State>("waiting")
  const data = shallowRef<T>()
  const problem = shallowRef<Problem>()
  let running: AbortController | undefined

  async function start(): Promise<void> {
    running?.abort()
    const mine = new AbortController()
    running = mine
    state.value = "waiting"
    const late = setTimeout(() => {
      if (running === mine) state.value = "loading"
    }, SKELETON_AFTER)
    try {
      const found = await load(mine.signal)
      if (running !== mine) return
      data.value = found
      state.value = "ready"
    } catch (error) {
      if (running !== mine || mine.signal.aborted) return
      if (!(error instanceof Problem)) throw error
      problem.value = error
      state.value = "failed"
    } finally {
      clearTimeout(late)
    }
  }

  onScopeDispose(() => running?.abort())
  return { state, data, problem, start }
}
