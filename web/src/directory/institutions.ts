/** The register of institutions, whole: it is the same for everybody who is signed in. */
import { read } from "@/api/client.ts"
import type { components } from "@/api/schema.d.ts"

export type Institution = components["schemas"]["OrganisationOut"]

const PAGE = 500

export async function allInstitutions(signal: AbortSignal): Promise<Institution[]> {
  const found: Institution[] = []
  let cursor: string | null = null
  do {
    const page: components["schemas"]["OrganisationPage"] = await read("/api/v1/organisations", {
      query: { limit: PAGE, cursor },
      signal,
    })
    found.push(...page.items)
    cursor = page.next
  } while (cursor)
  return found
}

/** Those whose name, number or address holds every word. */
export function matching(institutions: readonly Institution[], asked: string): Institution[] {
  const words = asked.toLowerCase().split(/\s+/).filter(Boolean)
  return institutions.filter((one) => {
    const text = `${one.name} ${one.code} ${one.uscc} ${one.address}`.toLowerCase()
    return words.every((word) => text.includes(word))
  })
}

/** How many institutions each city has, and how many of them at each level, most first. */
export function byCity(institutions: readonly Institution[]) {
  const cities = new Map<string, { node: string; all: number; third: number; second: number }>()
  for (const { node, level } of institutions) {
    const city = cities.get(node) ?? { node, all: 0, third: 0, second: 0 }
    city.all += 1
    if (level === "3") city.third += 1
    if (level === "2") city.second += 1
    cities.set(node, city)
  }
  return [...cities.values()].sort((one, other) => other.all - one.all)
}
