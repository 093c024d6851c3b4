/** How hospitals' feeds did in the last seven days: asked for once a minute. */
import { onScopeDispose, type Ref, shallowRef, watch } from "vue"
import { read } from "@/api/client.ts"
import type { components } from "@/api/schema.d.ts"
import { dayOf } from "@/language/times.ts"
import type { Scope } from "./live.ts"

type Feeds = components["schemas"]["Feeds"]

const EVERY = 60_000
const DAYS = 6
const MOST = 500

export function useFeeds(scope: Ref<Scope>): Ref<Feeds | undefined> {
  const feeds = shallowRef<Feeds>()
  let asking = 0

  async function ask(): Promise<void> {
    asking += 1
    const mine = asking
    const since = dayOf(new Date(Date.now() - DAYS * 86_400_000))
    const query = { since, city: scope.value.city, limit: MOST }
    const told = await read("/api/v1/intake", { query }).catch(() => undefined)
    if (mine === asking) feeds.value = told
  }

  const timer = window.setInterval(ask, EVERY)
  watch(scope, ask, { immediate: true })
  onScopeDispose(() => clearInterval(timer))
  return feeds
}
