import { expect, test } from "vitest"
import type { Entry } from "@/record/visits.ts"
import { trendTo } from "@/resident/record/telling.ts"
import { scaleOf, trendOf, within } from "@/resident/record/trend.ts"

function result(at: string, value: string, facts: Partial<Entry> = {}, range = {}): Entry {
  return {
    id: at,
    at,
    kind: "Observation",
    kind_name: "",
    organisation: "甲医院",
    organisation_code: "H1",
    node: "620100",
    node_name: "兰州市",
    registration: "r",
    visit: null,
    status: "final",
    code_system: "http://loinc.org",
    code: "2089-1",
    display: "低密度脂蛋白胆固醇",
    value,
    resource: "",
    brief: {
      interpretation: "",
      range_low: null,
      range_high: 3.4,
      range_text: "",
      setting: "",
      department: "",
      practitioner: "",
      reason: "",
      dosage: "",
      ...range,
    },
    ...facts,
  }
}

const NEWEST = result("2026-11-18T10:00:00Z", "3.86 mmol/L", {}, { interpretation: "H" })
const OTHER = result("2026-06-12T10:00:00Z", "2.9 mmol/L", { organisation: "乙医院" })
const OLDEST = result("2025-01-05T10:00:00Z", "3.1 mmol/L")

test("points are the oldest first, each with the mark of its hospital", () => {
  const trend = trendOf([NEWEST, OTHER, OLDEST])

  expect(trend.points.map((one) => [one.value, one.abnormal, one.mark])).toEqual([
    [3.1, false, 0],
    [2.9, false, 1],
    [3.86, true, 0],
  ])
  expect([trend.unit, trend.low, trend.high]).toEqual(["mmol/L", undefined, 3.4])
  expect(trend.hospitals).toEqual(["甲医院", "乙医院"])
  expect(trend.others).toEqual([])
})

test("another unit and words are told apart, not drawn", () => {
  const words = result("2026-10-01T10:00:00Z", "阴性")
  const unit = result("2026-09-01T10:00:00Z", "120 mg/dL")
  const bound = result("2026-08-01T10:00:00Z", "<0.5 mmol/L")

  const trend = trendOf([NEWEST, words, unit, bound])

  expect(trend.points).toHaveLength(1)
  expect(trend.others).toEqual([words, unit, bound])
  expect(trendOf([]).points).toEqual([])
})

test("the last two years", () => {
  const now = Date.parse("2026-11-21T00:00:00Z")

  expect(within([NEWEST, OTHER, OLDEST], 183, now)).toEqual([NEWEST, OTHER])
  expect(within([NEWEST, OTHER, OLDEST], undefined, now)).toHaveLength(3)
})

test.each([
  [
    [3.86, 2.48, 3.4],
    [2, 2.5, 3, 3.5, 4],
  ],
  [
    [61, 17, 13, 40],
    [0, 20, 40, 60, 80],
  ],
  [
    [5, 5],
    [4, 6],
  ],
  [
    [-1.5, 1.5],
    [-2, -1, 0, 1, 2],
  ],
  [
    [0, 0],
    [0, 0.25],
  ],
])("%o stand on lines at %o", (values, ticks) => {
  const scale = scaleOf(values)

  expect(scale.ticks).toEqual(ticks)
  expect([scale.least, scale.most]).toEqual([ticks[0], ticks.at(-1)])
})

test("only a number with a code has a trend", () => {
  expect(trendTo(NEWEST)).toEqual({
    path: "/record/trend",
    query: { code: "http://loinc.org|2089-1" },
  })
  expect(trendTo(result("2026-11-18T10:00:00Z", "阴性"))).toBeUndefined()
  expect(trendTo(result("2026-11-18T10:00:00Z", "3.1", { code: "" }))).toBeUndefined()
})
