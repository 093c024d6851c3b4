/** Where somebody goes on once known. */
import type { LocationQuery } from "vue-router"

/** The address that was wanted. Only one of our own: what comes in a link is not to be trusted. */
export function nextOf(query: LocationQuery): string {
  const wanted = query.next
  return typeof wanted === "string" && /^\/(?![/\\])/.test(wanted) ? wanted : "/"
}
