/** Addresses of the wall: where somebody looks stands in them, so they can be shared. */
import type { LocationQuery, RouteLocationRaw } from "vue-router"
import type { Scope } from "./live.ts"

export const WALL = "/commission/"

export function addressOf(scope: Partial<Scope>, kept: LocationQuery = {}): RouteLocationRaw {
  const query = { ...kept, city: scope.city ?? undefined, hospital: scope.hospital ?? undefined }
  return { path: WALL, query }
}

export function scopeOf(query: LocationQuery): Scope {
  const one = (name: string) => (typeof query[name] === "string" ? query[name] : null)
  return { city: one("city"), hospital: one("hospital") }
}
