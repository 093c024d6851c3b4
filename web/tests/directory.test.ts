import { expect, test } from "vitest"
import { byCity, type Institution, matching } from "@/directory/institutions.ts"

function institution(name: string, node: string, level: string): Institution {
  return {
    name,
    node,
    level,
    code: `C-${name}`,
    uscc: "",
    type: "A100",
    grade: "A",
    status: "open",
    division: node,
    address: "中山路 1 号",
    phone: "",
  }
}

const ALL = [
  institution("甲医院", "620100", "3"),
  institution("乙医院", "620100", "2"),
  institution("丙医院", "620800", "1"),
]

test("every word must be found, in name, number or address", () => {
  expect(matching(ALL, "").length).toBe(3)
  expect(matching(ALL, "c-甲 中山").map((one) => one.name)).toEqual(["甲医院"])
  expect(matching(ALL, "甲 乙")).toEqual([])
})

test("institutions are counted by city and level, most first", () => {
  expect(byCity(ALL)).toEqual([
    { node: "620100", all: 2, third: 1, second: 1 },
    { node: "620800", all: 1, third: 0, second: 0 },
  ])
})
