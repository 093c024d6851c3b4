import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, test } from "vitest"
import { WALL } from "@/commission/words.ts"
import { DIRECTORY } from "@/directory/words.ts"
import { SHARED } from "@/language/shared.ts"
import { factsOf, filled, type Words } from "@/language/words.ts"
import { BOOKING } from "@/resident/booking/words.ts"
import { ENTRY } from "@/resident/entry/words.ts"
import { RESIDENT } from "@/resident/words.ts"
import { WORKBENCH } from "@/workbench/words.ts"

const TABLES: Record<string, Words> = {
  SHARED,
  RESIDENT,
  ENTRY,
  BOOKING,
  DIRECTORY,
  WORKBENCH,
  WALL,
}
/** Looked up by a code of the node. */
const BY_CODE =
  /^(act|try|why|title|level|grade|period|sex|link|basis|missing|setting|reason|state|measure|name|short)\.|^(AMB|IMP|EMER|VR|HH)$|^(unverified|self_declared)$|_(checked|reader|verified)$/
const SOURCES = join(import.meta.dirname, "../src")

const sources = readdirSync(SOURCES, { recursive: true, encoding: "utf-8" })
  .filter((name) => /\.(ts|vue)$/.test(name) && !/(words|shared|schema\.d)\.ts$/.test(name))
  .map((name) => readFileSync(join(SOURCES, name), "utf-8"))

describe.each(Object.entries(TABLES))("%s", (_, words) => {
  test.each(Object.entries(words))("%s says the same in both languages", (_key, pair) => {
    const [chinese, english] = pair
    expect(chinese.length).toBeGreaterThan(0)
    expect(english.length).toBeGreaterThan(0)
    expect(factsOf(chinese).filter((fact) => !factsOf(english).includes(fact))).toEqual([])
  })

  test("has no word that nobody says", () => {
    const unsaid = Object.keys(words).filter(
      (key) =>
        !BY_CODE.test(key) &&
        !sources.some((source) => source.includes(`"${key}"`) || source.includes(`'${key}'`)),
    )
    expect(unsaid).toEqual([])
  })
})

test.each([
  ["{count} {count:entry|entries}", { count: 1 }, "1 entry"],
  ["{count} {count:entry|entries}", { count: 0 }, "0 entries"],
  ["共 {count} 条", { count: 2 }, "共 2 条"],
  ["{name}，您好", {}, "，您好"],
])("%s with %o", (text, facts, told) => {
  expect(filled(text, facts)).toBe(told)
})

test("no page writes Chinese that cannot be switched", () => {
  const pages = sources.map((source) => source.replace(/\/\*\*?[\s\S]*?\*\/|\/\/.*$/gm, ""))
  expect(pages.flatMap((page) => page.match(/[\u4e00-\u9fff]+/g) ?? [])).toEqual([])
})
