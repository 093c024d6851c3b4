import { beforeEach, expect, test } from "vitest"
import { language } from "@/language/preferences.ts"
import { ago, clock, dayInWords, dayOf, monthInWords } from "@/language/times.ts"

const NOW = new Date("2026-11-20T10:47:00+08:00")

beforeEach(() => {
  language.value = "zh"
})

test.each([
  ["2026-11-20T00:01:00+08:00", "今天"],
  ["2026-11-19T23:59:00+08:00", "昨天"],
  ["2026-11-18T10:26:00+08:00", "前天"],
  ["2026-11-07T10:00:00+08:00", "13天前"],
  ["2026-10-09T10:00:00+08:00", "6周前"],
  ["2026-05-20T10:00:00+08:00", "6个月前"],
  ["2021-11-20T10:00:00+08:00", "5年前"],
  ["2026-11-24T10:00:00+08:00", "4天后"],
])("%s was %s", (at, words) => {
  expect(ago(at, NOW)).toBe(words)
})

test("a day is the day of the province, wherever the reader is", () => {
  expect(dayOf("2026-11-17T16:30:00Z")).toBe("2026-11-18")
  expect(clock("2026-11-17T16:30:00Z")).toBe("00:30")
})

test.each([
  ["zh", "11月18日", "2025年11月18日", "11月"],
  ["en", "18 November", "18 November 2025", "November"],
] as const)("days and months in %s", (chosen, thisYear, before, month) => {
  language.value = chosen
  expect(dayInWords("2026-11-18T10:26:00+08:00", NOW)).toBe(thisYear)
  expect(dayInWords("2025-11-18T10:26:00+08:00", NOW)).toBe(before)
  expect(monthInWords("2026-11-18T10:26:00+08:00", NOW)).toBe(month)
})
