import { expect, test } from "vitest"
import { type Access, monthsOf, refusedOf, summaryOf, whoIn } from "@/resident/access/looks.ts"

let made = 0

function row(facts: Partial<Access>): Access {
  made += 1
  return {
    id: `row-${made}`,
    at: "2026-11-18T10:26:00+08:00",
    who: "王玉萍",
    role: "医务人员",
    role_code: "clinician",
    organisation: "兰州市黄河源人民医院",
    action: "查看健康档案时间轴",
    action_code: "timeline.read",
    resource_type: "",
    purpose: "诊疗",
    purpose_code: "TREAT",
    outcome: "已允许",
    outcome_code: "allowed",
    node: "620100",
    ...facts,
  }
}

const OWN = { role_code: "resident", organisation: "", who: "李桂兰" }
const REFUSED = { outcome_code: "refused", role_code: "operator", organisation: "" }

test("the head counts what others looked at; storing and the own looks are none", () => {
  const rows = [
    row({}),
    row({ organisation: "天水市渭河湾中心医院" }),
    row({ action_code: "record.write" }),
    row(OWN),
    row(REFUSED),
  ]

  expect(summaryOf(rows)).toEqual({ looks: 2, places: 2, refused: 1 })
})

test("what one actor did in a day is told once, with how often", () => {
  const [november, october] = monthsOf([
    row({}),
    row({ at: "2026-11-18T09:00:00+08:00" }),
    row({ who: "周药师" }),
    row(OWN),
    row(OWN),
    row({ ...REFUSED }),
    row({ at: "2026-10-12T09:10:00+08:00" }),
  ])

  expect(november?.looks.map((look) => [look.newest.who, look.count])).toEqual([
    ["王玉萍", 2],
    ["周药师", 1],
  ])
  expect(november?.own).toBe(2)
  expect(october?.looks).toHaveLength(1)
})

test("attempts in vain stand by themselves, and the own are not suspect", () => {
  const found = refusedOf([row(REFUSED), row(REFUSED), row({ ...OWN, outcome_code: "refused" })])

  expect(found.map((look) => look.count)).toEqual([2])
})

test("a person is named with the institution, a system by what it is", () => {
  expect(whoIn(row({}))).toBe("兰州市黄河源人民医院 王玉萍")
  expect(whoIn(row({ role_code: "hospital_system", role: "医院信息系统", who: "his-H1" }))).toBe(
    "兰州市黄河源人民医院 医院信息系统",
  )
  expect(whoIn(row({ who: "", organisation: "", role: "平台运维人员" }))).toBe("平台运维人员")
})
