/** The figures of a scope, as they are and as they change. */
import { computed, onScopeDispose, type Ref, ref, shallowRef, watch } from "vue"
import { read } from "@/api/client.ts"
import { reading } from "@/api/reading.ts"
import { renew } from "@/session/session.ts"
import { type Answer, minuteOf, movedBetween, type Now, STEP } from "./figures.ts"

export interface Scope {
  city: string | null
  hospital: string | null
}
export type Link = "live" | "polled" | "lost"

const POLL_EVERY = 15_000
const STREAM_AGAIN_AFTER = 60_000
const RENEW_EVERY = 5 * 60_000
const MOVED_FOR = 2_500

export function useFigures(scope: Ref<Scope>) {
  const { state, data, problem, start } = reading<Answer>((signal) =>
    read("/api/v1/figures", { query: { ...scope.value }, signal }),
  )
  const told = shallowRef<Now>()
  const link = ref<Link>("lost")
  const moved = ref<ReadonlySet<string>>(new Set())
  const beats = ref(0)
  let source: EventSource | undefined
  let again = 0
  let settle = 0

  /** What is true now beside the days before, which the node tells only when it is asked. */
  const figures = computed<Answer | undefined>(() =>
    data.value && told.value && isSame(told.value, data.value)
      ? { ...data.value, ...told.value }
      : data.value,
  )

  function hear(now: Now): void {
    const codes = movedBetween(told.value ?? data.value, now)
    told.value = now
    link.value = "live"
    if (codes.length) {
      moved.value = new Set(codes)
      beats.value += 1
      clearTimeout(settle)
      settle = window.setTimeout(() => {
        moved.value = new Set()
      }, MOVED_FOR)
    }
    const asked = data.value
    const isOld =
      asked && Math.floor(minuteOf(asked.at) / STEP) !== Math.floor(minuteOf(now.at) / STEP)
    if (asked && (isOld || asked.day !== now.day)) void start()
  }

  function listen(): void {
    stop()
    if (!data.value) return
    const { city, hospital } = scope.value
    const query = new URLSearchParams({
      ...(city ? { city } : {}),
      ...(hospital ? { hospital } : {}),
    })
    source = new EventSource(`${data.value.stream}${query.size ? `?${query}` : ""}`, {
      withCredentials: true,
    })
    source.addEventListener("figures", (event) => hear(JSON.parse(event.data as string) as Now))
    source.addEventListener("ended", () => {
      stop()
      void read("/api/v1/session").catch(() => undefined) // a refusal is heard by the session itself
    })
    source.addEventListener("error", () => {
      const isOver = source?.readyState === EventSource.CLOSED
      link.value = isOver ? "polled" : "lost"
      if (isOver) again = window.setTimeout(listen, STREAM_AGAIN_AFTER)
    })
  }

  function stop(): void {
    clearTimeout(again)
    source?.close()
    source = undefined
  }

  async function begin(): Promise<void> {
    stop()
    told.value = undefined
    await start()
    listen()
  }

  const poll = window.setInterval(() => {
    if (link.value !== "live") void start().then(() => source ?? (data.value && listen()))
  }, POLL_EVERY)
  const renewal = window.setInterval(() => {
    if (document.visibilityState === "visible") void renew().catch(() => undefined)
  }, RENEW_EVERY)

  watch(scope, begin, { immediate: true })
  onScopeDispose(() => {
    stop()
    clearTimeout(settle)
    clearInterval(poll)
    clearInterval(renewal)
  })
  return { state, problem, figures, link, moved, beats, begin }
}

function isSame(one: Now, other: Now): boolean {
  return one.city === other.city && one.hospital === other.hospital
}
