import { beforeEach, describe, expect, test } from "vitest"
import { language } from "@/language/preferences.ts"
import type { Entry } from "@/record/visits.ts"
import { visitsOf } from "@/record/visits.ts"
import { pathOf } from "@/session/qr.ts"
import { countsOf, medicinesOf, partOf } from "@/workbench/patient/parts.ts"
import { comparisonOf, lineOf, MOST_COLUMNS } from "@/workbench/patient/results.ts"
import { headlineOf, settingOf } from "@/workbench/patient/telling.ts"
import { ageInWords, monthsBetween, sexInWords } from "@/workbench/people.ts"
import { sayCode } from "@/workbench/words.ts"

const NOTHING = {
  interpretation: "",
  range_low: null,
  range_high: null,
  range_text: "",
  setting: "",
  department: "",
  practitioner: "",
  reason: "",
  dosage: "",
}

function entry(kind: string, day: string, facts: Partial<Entry> = {}): Entry {
  return {
    id: `${kind} ${day} ${facts.code ?? ""}`,
    at: `${day}T09:00:00+08:00`,
    kind,
    kind_name: kind,
    organisation: "平凉市人民医院",
    organisation_code: "H1",
    node: "620800",
    node_name: "平凉市",
    registration: "r",
    visit: null,
    status: "",
    code_system: "",
    code: "",
    display: "",
    value: "",
    resource: "",
    brief: NOTHING,
    ...facts,
  }
}

function result(day: string, code: string, value: string, interpretation = ""): Entry {
  return entry("Observation", day, {
    code,
    display: code,
    value,
    brief: { ...NOTHING, interpretation, range_low: 1, range_high: 5 },
  })
}

beforeEach(() => {
  language.value = "zh"
})

describe("results side by side", () => {
  test("a row an item, a column a day, the newest first", () => {
    const found = comparisonOf([
      result("2026-09-06", "K", "4.1 mmol/L"),
      result("2026-08-05", "K", "3.9 mmol/L"),
      result("2026-08-05", "Na", "140 mmol/L"),
      entry("Observation", "2026-09-07", { value: "阴性" }),
      entry("Condition", "2026-09-08", { value: "1" }),
    ])

    expect(found.columns.map((one) => [one.day, one.city])).toEqual([
      ["2026-09-06", "平凉市"],
      ["2026-08-05", "平凉市"],
    ])
    expect(found.rows.map((row) => [row.name, row.unit, row.range, row.values])).toEqual([
      ["K", "mmol/L", "1–5", [3.9, 4.1]],
      ["Na", "mmol/L", "1–5", [140]],
    ])
    expect([...(found.rows[1]?.cells.keys() ?? [])]).toEqual(["2026-08-05 H1"])
  })

  test("abnormal now stands before abnormal once before the rest", () => {
    const found = comparisonOf([
      result("2026-09-06", "usual", "4"),
      result("2026-09-06", "was", "4"),
      result("2026-08-05", "was", "9", "H"),
      result("2026-09-06", "is", "9", "HH"),
    ])

    expect(found.rows.map((row) => row.name)).toEqual(["is", "was", "usual"])
  })

  test("values in different units stand in different rows", () => {
    const found = comparisonOf([
      result("2026-09-06", "GLU", "5.1 mmol/L"),
      result("2026-08-05", "GLU", "92 mg/dL"),
    ])

    expect(found.rows.map((row) => row.unit)).toEqual(["mmol/L", "mg/dL"])
  })

  test("only so many days are shown, and what was measured on none of them is not", () => {
    const days = Array.from({ length: MOST_COLUMNS + 2 }, (_, n) => `2026-0${n + 1}-01`)
    const found = comparisonOf([
      ...days.map((day) => result(day, "K", "4")),
      result("2020-01-01", "Old", "1"),
    ])

    expect(found.columns).toHaveLength(MOST_COLUMNS)
    expect(found.rows.map((row) => [row.name, row.cells.size, row.values.length])).toEqual([
      ["K", MOST_COLUMNS, MOST_COLUMNS + 2],
    ])
  })

  test("two hospitals on one day are two columns", () => {
    const away = { ...result("2026-09-06", "K", "4.4"), organisation_code: "H2" }
    expect(comparisonOf([result("2026-09-06", "K", "4.1"), away]).columns).toHaveLength(2)
  })

  test.each([
    [[], ""],
    [[4], ""],
    [[4, 4], "2.0,21.0 98.0,21.0"],
    [[1, 3, 2], "2.0,21.0 50.0,3.0 98.0,12.0"],
  ])("the line through %o", (values, line) => {
    expect(lineOf(values)).toBe(line)
  })
})

test("parts are counted, and each medicine is told once", () => {
  const entries = [
    entry("MedicationRequest", "2026-08-05", { display: "阿司匹林" }),
    entry("MedicationRequest", "2026-09-06", { display: "阿司匹林" }),
    entry("MedicationRequest", "2026-09-07", { display: "多西环素" }),
    entry("Encounter", "2026-09-06"),
    entry("Immunization", "2026-09-06"),
  ]

  expect(countsOf(entries)).toEqual({
    all: 5,
    visits: 1,
    results: 0,
    medicines: 3,
    documents: 0,
    others: 1,
  })
  expect(medicinesOf(entries).map((one) => [one.display, one.at.slice(0, 10)])).toEqual([
    ["多西环素", "2026-09-07"],
    ["阿司匹林", "2026-09-06"],
  ])
  expect(partOf(entry("DocumentReference", "2026-09-06"))).toBe("documents")
})

test.each([
  [[entry("Condition", "2026-09-06", { display: "冠心病" })], "冠心病"],
  [[entry("Encounter", "2026-09-06", { brief: { ...NOTHING, reason: "发热" } })], "发热"],
  [[result("2026-09-06", "K", "4")], "检验检查"],
  [[entry("AllergyIntolerance", "2026-09-06", { display: "海鲜过敏" })], "海鲜过敏"],
  [[entry("Encounter", "2026-09-06")], "有记录"],
])("a visit is told by what it was about", (entries, words) => {
  const [visit] = visitsOf(entries)
  expect(visit && headlineOf(visit)).toBe(words)
})

test("settings, sexes and codes have words", () => {
  const brief = { ...NOTHING, setting: "EMER" }
  const [visit] = visitsOf([entry("Encounter", "2026-09-06", { brief })])

  expect(visit && settingOf(visit)).toBe("急诊")
  expect([sexInWords("2"), sexInWords("")]).toEqual(["女", "性别未知"])
  expect(sayCode("setting", "XYZ")).toBe("XYZ")
})

test.each([
  ["1964-03-05", "2026-11-22", 752],
  ["2026-11-23", "2027-02-22", 2],
  ["2026-11-22", "2026-11-22", 0],
])("from %s to %s", (birth, today, months) => {
  expect(monthsBetween(birth, today)).toBe(months)
})

test("small children are told in months", () => {
  const now = new Date("2026-11-22T12:00:00+08:00")
  expect([
    ageInWords("1964-03-05", now),
    ageInWords("2026-04-01", now),
    ageInWords(null, now),
  ]).toEqual(["62 岁", "7 个月", ""])
})

test("a QR code is drawn on a grid with its three corners", () => {
  const { path, size } = pathOf("otpauth://totp/Jianqiao:doctor?secret=GEZDGNBVGY3TQOJQ")

  expect((size - 17) % 4).toBe(0)
  for (const corner of ["M0 0h", `M${size - 1} 0h`, `M0 ${size - 1}h`])
    expect(path).toContain(corner)
})
