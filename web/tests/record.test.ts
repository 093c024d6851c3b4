import { expect, test } from "vitest"
import { barOf, measured, rangeInWords, unitInWords } from "@/record/quantities.ts"
import { type Entry, visitsOf } from "@/record/visits.ts"
import { headlineOf, howOf, whereOf } from "@/resident/record/telling.ts"

const NOTHING: NonNullable<Entry["brief"]> = {
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
let made = 0

function entry(facts: Partial<Omit<Entry, "brief">> & { brief?: Partial<typeof NOTHING> }): Entry {
  made += 1
  return {
    id: `entry-${made}`,
    at: "2026-11-18T10:00:00+08:00",
    kind: "Observation",
    kind_name: "检验检查结果",
    organisation: "兰州市黄河源人民医院",
    organisation_code: "H1",
    node: "620100",
    node_name: "兰州市",
    registration: "r",
    visit: null,
    status: "final",
    code_system: "",
    code: "",
    display: "",
    value: "",
    resource: "",
    ...facts,
    brief: { ...NOTHING, ...facts.brief },
  }
}

test("entries of one visit are one visit, told by its diagnoses", () => {
  const visits = visitsOf([
    entry({ visit: "v1", kind: "Condition", display: "高血压病 2 级" }),
    entry({ visit: "v1", kind: "Condition", display: "血脂异常" }),
    entry({ visit: "v1", kind: "Condition", display: "血脂异常" }),
    entry({ visit: "v1", value: "3.86 mmol/L", brief: { interpretation: "H" } }),
    entry({ visit: "v1", value: "5.1 mmol/L", brief: { interpretation: "N" } }),
    entry({ visit: "v1", kind: "MedicationRequest", display: "阿托伐他汀" }),
    entry({ visit: "v1", kind: "DocumentReference", display: "门诊病历" }),
    entry({ visit: "v1", kind: "Procedure", display: "心电图" }),
    entry({
      id: "v1",
      visit: "v1",
      kind: "Encounter",
      at: "2026-11-18T09:00:00+08:00",
      brief: { department: "心血管内科", practitioner: "王玉萍", setting: "AMB" },
    }),
  ])

  expect(visits).toHaveLength(1)
  const [visit] = visits as [(typeof visits)[0]]
  expect(visit.at).toBe("2026-11-18T09:00:00+08:00")
  expect(headlineOf(visit)).toBe("高血压病 2 级，血脂异常")
  expect(whereOf(visit)).toBe("兰州市黄河源人民医院 · 心血管内科")
  expect(howOf(visit)).toBe("门诊 · 王玉萍")
  const shelves = [visit.abnormal, visit.results, visit.medicines, visit.documents, visit.others]
  expect(shelves.map((shelf) => shelf.length)).toEqual([1, 1, 1, 1, 1])
})

test("entries without a visit join what the hospital recorded that day, and no other", () => {
  const visits = visitsOf([
    entry({ at: "2026-11-18T10:00:00+08:00" }),
    entry({ at: "2026-11-18T08:00:00+08:00" }),
    entry({ at: "2026-11-18T09:00:00+08:00", organisation_code: "H2" }),
    entry({ at: "2026-11-17T10:00:00+08:00" }),
  ])

  expect(visits.map((visit) => [visit.at, visit.size])).toEqual([
    ["2026-11-18T10:00:00+08:00", 2],
    ["2026-11-18T09:00:00+08:00", 1],
    ["2026-11-17T10:00:00+08:00", 1],
  ])
})

test("a visit without a diagnosis is told by its reason, else by what it holds", () => {
  const told = (entries: Entry[]) => visitsOf(entries).map(headlineOf)

  expect(told([entry({ kind: "Encounter", brief: { reason: "咳嗽1周" } })])).toEqual(["咳嗽1周"])
  expect(told([entry({ value: "1 g" })])).toEqual(["化验检查"])
  expect(told([entry({ value: "1 g", brief: { interpretation: "LL" } })])).toEqual(["化验检查"])
  expect(told([entry({ kind: "Immunization", kind_name: "预防接种" })])).toEqual(["预防接种"])
  expect(told([entry({ kind: "Encounter", brief: { setting: "OBSENC" } })])).toEqual(["就诊"])
})

test.each([
  ["10*9/L", "10⁹/L"],
  ["10*12/L", "10¹²/L"],
  ["umol/L", "μmol/L"],
  ["U/L", "U/L"],
  ["Cel", "℃"],
  ["mm[Hg]", "mmHg"],
])("the unit %s is %s", (unit, words) => {
  expect(unitInWords(unit)).toBe(words)
})

test.each([
  ["7.39 10*9/L", "7.39", "10⁹/L"],
  ["<0.5 mg/L", "<0.5", "mg/L"],
  ["阳性", "阳性", ""],
  ["收缩压 111 mm[Hg]; 舒张压 70 mm[Hg]", "收缩压 111 mmHg; 舒张压 70 mmHg", ""],
  ["", "", ""],
])("the value %s", (given, value, unit) => {
  expect(measured(entry({ value: given }))).toEqual({ value, unit })
})

test.each([
  [{ range_low: 3.9, range_high: 6.1 }, "3.9–6.1"],
  [{ range_high: 3.4 }, "<3.4"],
  [{ range_low: 1.2 }, ">1.2"],
  [{ range_text: "阴性" }, "阴性"],
  [{}, ""],
])("the range of %o", (brief, words) => {
  expect(rangeInWords(entry({ brief }))).toBe(words)
})

test("a value above its range lies right of it, one far out stays on the bar", () => {
  const bar = barOf(entry({ value: "6.3 %", brief: { range_low: 4, range_high: 6 } }))
  const far = barOf(entry({ value: "60 %", brief: { range_low: 4, range_high: 6 } }))
  const low = barOf(entry({ value: "1 %", brief: { range_low: 4, range_high: 6 } }))

  expect(bar?.at).toBeGreaterThan(bar?.to ?? 1)
  expect(far?.at).toBe(0.96)
  expect(low?.at).toBeLessThan(low?.from ?? 0)
})

test.each([
  [{ value: "阳性", brief: { range_low: 1, range_high: 2 } }],
  [{ value: "5 g", brief: {} }],
])("there is no bar for %o", (facts) => {
  expect(barOf(entry(facts))).toBeUndefined()
})

test("a range with one end has a bar that is open at the other", () => {
  expect(barOf(entry({ value: "3.86", brief: { range_high: 3.4 } }))?.from).toBe(0)
  expect(barOf(entry({ value: "0.8", brief: { range_low: 1.2 } }))?.to).toBe(1)
})
