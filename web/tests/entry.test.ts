import { afterEach, expect, test, vi } from "vitest"
import { nextOf } from "@/resident/entry/next.ts"
import { askForCode, masked, mobileOf, secondsUntil, sent } from "@/resident/entry/phone.ts"

afterEach(() => {
  vi.unstubAllGlobals()
})

test.each([
  ["13912345678", "13912345678"],
  [" +86 139-1234-5678", "13912345678"],
  ["００８６１３９１２３４５６７８", "13912345678"],
  ["1391234567", undefined],
  ["23912345678", undefined],
  ["", undefined],
])("%s is typed for %s", (typed, number) => {
  expect(mobileOf(typed)).toBe(number)
})

test("a phone is shown in part", () => {
  expect(masked("13912345678")).toBe("139\u00a0****\u00a05678")
})

test("seconds until a code may be asked for again", () => {
  expect([secondsUntil(1_500, 0), secondsUntil(1_000, 0), secondsUntil(0, 1)]).toEqual([2, 1, 0])
})

test("what the node says about the next code counts from now on", async () => {
  const answer = new Response(JSON.stringify({ valid_for: 300, again_after: 60 }), { status: 202 })
  vi.stubGlobal("fetch", async () => answer)
  const before = Date.now()

  await askForCode("13912345678")

  expect(sent.value?.phone).toBe("13912345678")
  expect(sent.value?.againAt).toBeGreaterThanOrEqual(before + 60_000)
})

test.each([
  ["/record?kind=results", "/record?kind=results"],
  ["//elsewhere.example", "/"],
  ["/\\elsewhere.example", "/"],
  ["https://elsewhere.example", "/"],
  [undefined, "/"],
])("who wanted %s goes on to %s", (next, address) => {
  expect(nextOf(next === undefined ? {} : { next })).toBe(address)
})
