import { beforeEach, expect, test } from "vitest"
import { Problem } from "@/api/client.ts"
import { language } from "@/language/preferences.ts"
import type { Visit } from "@/record/visits.ts"
import { calendarOf } from "@/resident/booking/calendar.ts"
import { choiceIn, missingFor, newKey, stepTo } from "@/resident/booking/choice.ts"
import { daysOf, dayToShow, doctorOf, onDay, type Schedule } from "@/resident/booking/offers.ts"
import { comingOf, withLately } from "@/resident/booking/own.ts"
import { refusalOf } from "@/resident/booking/refusals.ts"
import {
  type Appointment,
  arriveBy,
  byName,
  doctorInWords,
  feeInWords,
  leftInWords,
  levelInWords,
  titleInWords,
  whenOf,
} from "@/resident/booking/telling.ts"
import { nextThing, sayingWho } from "@/resident/home/nextThing.ts"

const NOW = new Date("2026-11-21T02:20:00+08:00")
const HOSPITAL = {
  code: "H1",
  name: "兰州市黄河源人民医院",
  address: "皋兰路 1 号; 东门",
  phone: "",
}
const DEPARTMENT = { code: "D1", standard: "A03.01", name: "心血管内科" }
const DOCTOR = { id: "doctor-1", name: "王玉萍" }

beforeEach(() => {
  language.value = "zh"
})

function schedule(facts: Partial<Schedule>): Schedule {
  return {
    id: "s",
    city: "620100",
    city_name: "兰州市",
    hospital: HOSPITAL,
    department: DEPARTMENT,
    practitioner: DOCTOR,
    title: "231",
    day: "2026-11-24",
    period: "am",
    starts_at: "2026-11-24T09:30:00+08:00",
    ends_at: "2026-11-24T10:00:00+08:00",
    fee: 3000,
    status: "open",
    numbers: 10,
    left: 3,
    ...facts,
  }
}

function number(facts: Partial<Appointment>): Appointment {
  return {
    id: "a",
    schedule: "s",
    city: "620100",
    city_name: "兰州市",
    hospital: HOSPITAL,
    department: DEPARTMENT,
    practitioner: DOCTOR,
    sequence: 12,
    day: "2026-11-24",
    starts_at: "2026-11-24T09:30:00+08:00",
    ends_at: "2026-11-24T10:00:00+08:00",
    fee: 3000,
    status: "booked",
    cancel_reason: "",
    cancel_by: "2026-11-23",
    may_cancel: true,
    ...facts,
  }
}

const CHOICE = {
  city: "620100",
  hospital: "H1",
  department: "D1",
  day: "2026-11-24",
  doctor: "doctor-1",
  schedule: "s",
  at: "2026-11-24T09:30:00+08:00",
  key: "k",
}

test("going back keeps what was chosen before, and nothing of later steps", () => {
  expect(stepTo("doctor", CHOICE)).toEqual({
    path: "/book/doctor",
    query: { city: "620100", hospital: "H1", department: "D1", day: "2026-11-24" },
  })
  expect(stepTo("city", CHOICE)).toEqual({ path: "/book", query: { city: "620100" } })
  expect(stepTo("check", CHOICE)).toEqual({ path: "/book/check", query: CHOICE })
})

test("another choice replaces the one before", () => {
  expect(stepTo("department", { city: "620100", hospital: "H1" }, { hospital: "H2" })).toEqual({
    path: "/book/department",
    query: { city: "620100", hospital: "H2" },
  })
})

test.each([
  [{ city: "620100", day: ["a", "b"], at: null }, { city: "620100" }],
  [{ strange: "x" }, {}],
])("the choice in %o", (query, choice) => {
  expect(choiceIn(query)).toEqual(choice)
})

test("a step whose question cannot be asked yet leads to the one before", () => {
  expect(missingFor("check", { city: "620100", hospital: "H1" })).toBe("department")
  expect(missingFor("time", {})).toBe("city")
  expect(missingFor("check", CHOICE)).toBeUndefined()
})

test("every booking has a key of its own", () => {
  expect(newKey()).toMatch(/^[0-9a-f]{32}$/)
  expect(newKey()).not.toBe(newKey())
})

test("days are a week at least, without a gap", () => {
  const days = daysOf(
    [
      schedule({ day: "2026-11-22", left: 0 }),
      schedule({ left: 3 }),
      schedule({ left: 4 }),
      schedule({ day: "2026-11-28", left: 1 }),
    ],
    NOW,
  )
  expect(days.map((one) => one.day)).toEqual([
    "2026-11-21",
    "2026-11-22",
    "2026-11-23",
    "2026-11-24",
    "2026-11-25",
    "2026-11-26",
    "2026-11-27",
    "2026-11-28",
  ])
  expect(days.map((one) => one.left)).toEqual([
    undefined,
    0,
    undefined,
    7,
    undefined,
    undefined,
    undefined,
    1,
  ])
  expect(dayToShow(days)).toBe("2026-11-24")
  expect(dayToShow(days, "2026-11-22")).toBe("2026-11-22")
  expect(dayToShow(days, "2027-01-01")).toBe("2026-11-24")
  expect(dayToShow(daysOf([schedule({ day: "2026-11-22", left: 0 })], NOW))).toBe("2026-11-22")
  expect(dayToShow(daysOf([], NOW))).toBe("2026-11-21")
})

test("who has numbers left comes first", () => {
  const full = schedule({ id: "full", left: 0, starts_at: "2026-11-24T08:00:00+08:00" })
  const later = schedule({ id: "later", starts_at: "2026-11-24T14:30:00+08:00" })
  const free = schedule({ id: "free" })
  const other = schedule({ id: "other", day: "2026-11-25" })

  const shown = onDay([full, later, free, other], "2026-11-24")

  expect(shown.map((one) => one.id)).toEqual(["free", "later", "full"])
  expect(doctorOf(free)).toBe("doctor-1")
  expect(doctorOf(schedule({ practitioner: null }))).toBe("general")
})

test("what was just booked or given back is in the list at once", () => {
  const old = number({ id: "old", starts_at: "2026-11-22T09:30:00+08:00" })
  const fresh = number({ id: "fresh" })
  const gone = number({ id: "gone", starts_at: "2026-11-23T09:30:00+08:00" })
  const cancelled = { ...gone, status: "cancelled", may_cancel: false }

  const rows = withLately([gone, old], [fresh, cancelled])

  expect(rows.map((one) => [one.id, one.status])).toEqual([
    ["fresh", "booked"],
    ["gone", "cancelled"],
    ["old", "booked"],
  ])
})

test("the node's word is newer than what was booked here", () => {
  const stopped = number({ status: "cancelled", cancel_reason: "prov" })

  expect(withLately([stopped], [number({})])).toEqual([stopped])
})

test("what is to come, the soonest first", () => {
  const at = (day: string) => ({
    starts_at: `${day}T09:30:00+08:00`,
    ends_at: `${day}T10:00:00+08:00`,
  })
  const rows = [
    number({ id: "third", ...at("2026-11-24") }),
    number({ id: "cancelled", status: "cancelled" }),
    number({ id: "first", ...at("2026-11-21") }),
    number({ id: "over", ...at("2026-11-20") }),
  ]

  expect(comingOf(rows, NOW.getTime()).map((one) => one.id)).toEqual(["first", "third"])
})

test.each([
  ["zh", "11月24日 周二 09:30–10:00"],
  ["en", "Tue 24 November 09:30–10:00"],
] as const)("when, in %s", (chosen, words) => {
  language.value = chosen
  expect(whenOf(number({}))).toBe(words)
})

test("fees, doctors and levels in words", () => {
  expect([feeInWords(3000), feeInWords(1250), feeInWords(0)]).toEqual(["¥30", "¥12.50", "不收费"])
  expect(doctorInWords(schedule({}))).toBe("王玉萍 主任医师")
  expect(doctorInWords(number({}))).toBe("王玉萍")
  expect(doctorInWords(schedule({ practitioner: null }))).toBe("普通门诊")
  expect(titleInWords("999")).toBe("")
  expect(levelInWords({ level: "3", grade: "A" })).toBe("三级甲等")
  expect(levelInWords({ level: "2", grade: "N" })).toBe("二级")
  expect(levelInWords({ level: "9", grade: "N" })).toBe("")
  expect([leftInWords(undefined), leftInWords(0), leftInWords(4)]).toEqual([
    "不出诊",
    "约满",
    "余 4",
  ])
  expect(arriveBy(number({}))).toBe("2026-11-24T01:15:00.000Z")
  expect(byName([{ name: "张掖" }, { name: "白银" }]).map((one) => one.name)).toEqual([
    "白银",
    "张掖",
  ])
})

test.each([
  ["sold-out", {}, "time", "刚刚约满"],
  ["already-booked", {}, "numbers", "已经约过"],
  ["limit-reached", { limit: "most-open", most: 3 }, "numbers", "已经有 3 个号"],
  ["limit-reached", { limit: "most-per-department-and-day", most: 1 }, "numbers", "最多约 1 个号"],
  ["city-unreachable", { city: "620100" }, "again", "兰州市没有回音"],
  ["unreachable", {}, "again", "网断了"],
])("%s %o says what to do", (code, facts, remedy, title) => {
  const refusal = refusalOf(new Problem(409, code, "", "", "", facts), "兰州市")

  expect(refusal?.remedy).toBe(remedy)
  expect(refusal?.title).toContain(title)
  expect(refusal?.text).not.toMatch(/[{}]/)
})

test("what nobody foresaw is left to the general answer", () => {
  expect(refusalOf(new Problem(500, "storage-away", "", "", ""), "")).toBeUndefined()
  expect(
    refusalOf(new Problem(409, "limit-reached", "", "", "", { limit: "new" }), ""),
  ).toBeUndefined()
})

test("a number as an entry of the calendar", () => {
  const lines = calendarOf(number({}), NOW).split("\r\n")

  expect(lines).toContain("DTSTART:20261124T011500Z")
  expect(lines).toContain("DTEND:20261124T020000Z")
  expect(lines).toContain("UID:a@jianqiao")
  expect(lines.join("\n").replace(/\n /g, "")).toContain(
    "LOCATION:兰州市黄河源人民医院 皋兰路 1 号\\; 东门",
  )
  expect(
    Math.max(...lines.map((line) => new TextEncoder().encode(line).length)),
  ).toBeLessThanOrEqual(75)
  expect(lines.at(-1)).toBe("")
})

test("the next thing is the doctor, else the latest visit, else nothing yet", () => {
  const today = new Date().toISOString()
  const going = nextThing(number({ starts_at: today, ends_at: today }), undefined)
  expect([going.head, going.to]).toEqual([
    "今天 看医生",
    { path: "/numbers/number", query: { id: "a" } },
  ])
  expect(going.what).toContain("第 12 号")
  expect(going.lines).toEqual(["王玉萍 · 心血管内科", HOSPITAL.name])

  const visit = { at: today, organisation: "甲医院", diagnoses: ["高血压病"], abnormal: [] }
  const looked = nextThing(undefined, visit as unknown as Visit)
  expect([looked.head, looked.what, looked.to]).toEqual(["最近一次就诊", "高血压病", "/record"])

  expect(nextThing(undefined, undefined).to).toBeUndefined()
  expect(sayingWho().to).toBe("/bind")
})
