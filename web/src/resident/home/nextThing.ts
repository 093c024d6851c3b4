/** The next thing to do: go to the doctor, else look at what was found last, else say who one is. */
import type { RouteLocationRaw } from "vue-router"
import { ago, clock, dayInWords, dayOf } from "@/language/times.ts"
import type { Visit } from "@/record/visits.ts"
import { type Appointment, arriveBy, dayAndWeekday, doctorInWords } from "../booking/telling.ts"
import { headlineOf, whereOf } from "../record/telling.ts"
import { say } from "../words.ts"

export interface NextThing {
  head: string
  /** How long ago, beside the head. */
  since?: string
  day?: string
  what?: string
  lines: string[]
  abnormal?: number
  to?: RouteLocationRaw
  act?: string
}

export function nextThing(number: Appointment | undefined, visit: Visit | undefined): NextThing {
  if (number) return goingTo(number)
  if (visit) return latest(visit)
  return { head: say("latestEmpty"), lines: [say("latestEmptyText")] }
}

/** For an account that stands for nobody yet. */
export function sayingWho(): NextThing {
  return {
    head: say("bindFirst"),
    lines: [say("bindFirstText")],
    to: "/bind",
    act: say("bindNow"),
  }
}

function goingTo(number: Appointment): NextThing {
  const doctor = number.practitioner ? doctorInWords(number) : ""
  return {
    head: say("goingTo", { ago: ago(number.starts_at) }),
    day: dayAndWeekday(dayOf(number.starts_at)),
    what: say("goingBy", { time: clock(arriveBy(number)), number: number.sequence }),
    lines: [[doctor, number.department.name].filter(Boolean).join(" · "), number.hospital.name],
    to: { path: "/numbers/number", query: { id: number.id } },
    act: say("seeNumber"),
  }
}

function latest(visit: Visit): NextThing {
  return {
    head: say("latest"),
    since: ago(visit.at),
    day: dayInWords(visit.at),
    what: headlineOf(visit),
    lines: [whereOf(visit)],
    abnormal: visit.abnormal.length,
    to: "/record",
    act: say("latestOpen"),
  }
}
