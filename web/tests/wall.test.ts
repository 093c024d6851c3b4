import { describe, expect, it } from "vitest"
import { addressOf, scopeOf } from "@/commission/addresses.ts"
import { CITIES, cityName, shortName } from "@/commission/cities.ts"
import {
  addedUp,
  alarmsOf,
  cityRows,
  classesOf,
  classOf,
  compared,
  type Feed,
  type Figures,
  heldUntil,
  minuteOf,
  movedBetween,
  type Node,
  type Now,
  type Point,
  perPeriod,
  qualityOf,
  ranked,
  roundAbove,
  shareTaken,
  type Then,
} from "@/commission/figures.ts"
import { percent, short } from "@/commission/numbers.ts"
import { language } from "@/language/preferences.ts"

const NOTHING: Figures = {
  visits: 0,
  booked: 0,
  cancelled: 0,
  registrations: 0,
  accepted: 0,
  refused: 0,
  resources: 0,
  persons: 0,
  taken: 0,
  free: 0,
  free_coming: 0,
}
const point = (minute: number, visits: number): Point => ({ ...NOTHING, minute, visits })
const node = (code: string, state: Node["state"], until: string | null = null): Node => ({
  code,
  name: cityName(code),
  state,
  until,
  behind_seconds: null,
})
const place = (code: string, figures: Partial<Figures>) => ({
  code,
  name: code,
  figures: { ...NOTHING, ...figures },
})
const feed = (hospital: string, facts: Partial<Feed>): Feed =>
  ({ hospital, name: hospital, city: "620100", last_accepted: "2026-11-20", ...facts }) as Feed
const then = (visits: number, trend: Point[]): Then => ({
  against: "yesterday",
  day: "2026-11-19",
  until: "2026-11-19T10:50:00+08:00",
  total: { ...NOTHING, visits },
  places: [],
  trend,
})
const now = (facts: Partial<Now>): Now => ({
  at: "2026-11-20T10:47:00+08:00",
  day: "2026-11-20",
  city: null,
  hospital: null,
  name: "甘肃省",
  total: NOTHING,
  places: [],
  trend: [],
  nodes: [],
  ...facts,
})

describe("figures", () => {
  it("are compared with the same time of a day that something is known of", () => {
    expect(compared("visits", 110, then(100, [point(0, 1)]))).toEqual({
      kind: "up",
      percent: 10,
      was: 100,
    })
    expect(compared("visits", 90, then(100, [point(0, 1)]))).toEqual({
      kind: "down",
      percent: 10,
      was: 100,
    })
    expect(compared("visits", 0, then(0, [point(0, 1)]))).toEqual({
      kind: "same",
      percent: null,
      was: 0,
    })
    expect(compared("visits", 9, then(0, []))).toEqual({ kind: "nothing" })
    expect(compared("visits", 9, undefined)).toEqual({ kind: "nothing" })
  })

  it("are drawn by ten minutes, and added up until now", () => {
    const trend = [point(0, 2), point(20, 3)]
    expect(perPeriod(trend, "visits", 40)).toEqual({
      points: [
        [0, 2],
        [10, 0],
        [20, 3],
        [30, 0],
      ],
      whole: 5,
    })
    expect(addedUp(trend, "visits", 25)).toEqual({
      points: [
        [0, 0],
        [10, 2],
        [20, 2],
        [25, 5],
      ],
      whole: 5,
    })
    expect(minuteOf("2026-11-20T10:47:00+08:00")).toBe(647)
  })

  it("make a share only where there are numbers", () => {
    expect(shareTaken({ taken: 3, free: 1 })).toBe(75)
    expect(shareTaken({ taken: 0, free: 0 })).toBeNull()
    expect(percent(null)).toBe("—")
  })

  it("fall into five classes", () => {
    expect(classesOf([], "share")).toEqual([20, 40, 60, 80])
    expect(classesOf([12, 0], "visits")).toEqual([4, 8, 12, 16])
    const fourteen = [
      455, 1094, 1176, 522, 1432, 1323, 6773, 1944, 631, 1826, 1716, 1612, 2574, 1703,
    ]
    const edges = classesOf(fourteen, "visits")
    expect(edges).toEqual([630, 1300, 1700, 1900])
    expect([0, 630, 6773].map((value) => classOf(value, edges))).toEqual([1, 2, 5])
    expect([3, 12, 45, 100, 8_700].map(roundAbove)).toEqual([4, 20, 60, 100, 10_000])
  })

  it("say which places moved", () => {
    const before = now({ places: [place("a", {}), place("b", {})] })
    const after = now({ places: [place("a", {}), place("b", { visits: 1 }), place("c", {})] })
    expect(movedBetween(before, after)).toEqual(["b"])
    expect(movedBetween(undefined, after)).toEqual([])
  })
})

describe("cities", () => {
  it("are fourteen, with names in both languages and a place on the map", () => {
    expect(CITIES).toHaveLength(14)
    for (const language_ of ["zh", "en"] as const) {
      language.value = language_
      for (const { code, path } of CITIES) {
        expect(cityName(code)).not.toBe(code)
        expect(shortName(code)).not.toBe(code)
        expect(path).toMatch(/^M[\d. L]+Z/)
      }
    }
    language.value = "zh"
    expect(short(20_000)).toBe("2万")
  })

  it("are listed ill first, then by messages, those that take no part last", () => {
    const rows = cityRows(
      now({
        nodes: [
          node("620100", "current"),
          node("620500", "current"),
          node("620800", "unreachable"),
        ],
        places: [place("620100", { accepted: 1 }), place("620500", { accepted: 2 })],
      }),
    )
    expect(rows.map((one) => one.code).slice(0, 4)).toEqual([
      "620800",
      "620500",
      "620100",
      "620200",
    ])
    expect(rows.at(-1)?.state).toBe("absent")
  })

  it("hold until the earliest moment of those that are heard of", () => {
    const early = node("620100", "current", "2026-11-20T10:46:50+08:00")
    const late = node("620500", "current", "2026-11-20T02:46:55+00:00")
    const lost = node("620800", "unreachable", "2026-11-20T10:32:00+08:00")
    expect(heldUntil([late, early, lost])).toBe(early.until)
    expect(heldUntil([lost])).toBe(lost.until)
    expect(heldUntil([])).toBeNull()
  })
})

describe("what is unusual", () => {
  it("is what does not answer, is often refused, or is silent", () => {
    const found = alarmsOf(
      now({
        nodes: [node("620100", "current"), node("620500", "late"), node("620800", "unreachable")],
        places: [
          place("620100", { refused: 1, accepted: 1_000 }),
          place("620500", { refused: 2, accepted: 50 }),
        ],
      }),
      [
        feed("A", {}),
        feed("B", { last_accepted: "2026-11-18" }),
        feed("C", { last_accepted: null }),
      ],
    )
    expect(found.map((one) => [one.kind, one.place.code, one.place.isCity])).toEqual([
      ["late", "620500", true],
      ["lost", "620800", true],
      ["refused", "620500", true],
      ["silent", "B", false],
    ])
  })

  it("and who falls behind is measured against the whole", () => {
    const total = {
      accepted: 98,
      refused: 2,
      patients: 10,
      identified: 9,
      within_a_day: 0.9,
      completeness: 0.9,
    }
    const rows = ranked(
      [
        feed("good", { accepted: 9, refused: 0, within_a_day: 0.9, completeness: 0.9 }),
        feed("bad", { accepted: 9, refused: 1, patients: 4, identified: 1, within_a_day: 0.5 }),
        feed("none", { accepted: 0, refused: 0 }),
      ],
      total as Feed,
    )
    expect(rows.map((one) => one.feed.hospital)).toEqual(["bad", "good"])
    expect(rows[0]?.low).toEqual({
      takenShare: true,
      timely: true,
      complete: false,
      identified: true,
    })
    expect(qualityOf({ accepted: 0 } as Feed)).toEqual({
      takenShare: null,
      timely: null,
      complete: null,
      identified: null,
    })
  })
})

describe("addresses", () => {
  it("say where somebody looks", () => {
    expect(scopeOf({ city: "620100", hospital: ["a", "b"] })).toEqual({
      city: "620100",
      hospital: null,
    })
    expect(addressOf({ city: "620100" }, { colour: "share" })).toEqual({
      path: "/commission/",
      query: { city: "620100", colour: "share", hospital: undefined },
    })
  })
})
