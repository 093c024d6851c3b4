import { speaker } from "@/language/say.ts"
import type { Words } from "@/language/words.ts"

export const DIRECTORY = {
  workbench: ["健桥工作台", "Jianqiao workbench"],
  commission: ["健桥监管", "Jianqiao commission"],
  institutions: ["医疗机构", "Institutions"],
  search: ["按名称、登记号或地址查找", "Search by name, number or address"],
  searchKey: ["按 / 键开始查找", "Press / to search"],
  sorted: ["共 {count} 家，按登记号排列", "{count} in order of registration number"],
  found: ["找到 {count} 家，共 {all} 家", "{count} of {all} found"],
  none: ["没有符合的机构", "No institution fits"],
  noneText: ["请换一个词，或者清空查找框。", "Try another word, or clear the search."],
  name: ["名称", "Name"],
  code: ["登记号", "Number"],
  level: ["等级", "Level"],
  address: ["地址", "Address"],
  phone: ["电话", "Phone"],
  city: ["行政区划", "Division"],
  all: ["机构总数", "Institutions"],
  third: ["三级", "Level 3"],
  second: ["二级", "Level 2"],
  level3: ["三级", "Level 3"],
  level2: ["二级", "Level 2"],
  level1: ["一级", "Level 1"],
  level9: ["未定级", "No level"],
  asOf: ["截至 {time}", "As of {time}"],
} as const satisfies Words

export const say = speaker(DIRECTORY)
