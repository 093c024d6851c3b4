/** A number as an entry of the phone's calendar (RFC 5545). */
import { type Appointment, arriveBy, doctorInWords } from "./telling.ts"
import { say } from "./words.ts"

const LINE = 70
const ALARM = "-P1D"

/** The text of an .ics file; it reminds a day before. */
export function calendarOf(one: Appointment, now = new Date()): string {
  const facts = {
    hospital: one.hospital.name,
    department: one.department.name,
    number: one.sequence,
  }
  const doctor = one.practitioner ? `${doctorInWords(one)}。` : ""
  const lines = [
    "BEGIN:VCALENDAR",
    "VERSION:2.0",
    "PRODID:-//Jianqiao//Appointments//ZH",
    "METHOD:PUBLISH",
    "BEGIN:VEVENT",
    `UID:${one.id}@jianqiao`,
    `DTSTAMP:${moment(now.toISOString())}`,
    `DTSTART:${moment(arriveBy(one))}`,
    `DTEND:${moment(one.ends_at)}`,
    `SUMMARY:${escaped(say("event", facts))}`,
    `LOCATION:${escaped([one.hospital.name, one.hospital.address].filter(Boolean).join(" "))}`,
    `DESCRIPTION:${escaped(doctor + say("eventText", facts))}`,
    "BEGIN:VALARM",
    "ACTION:DISPLAY",
    `TRIGGER:${ALARM}`,
    `DESCRIPTION:${escaped(say("event", facts))}`,
    "END:VALARM",
    "END:VEVENT",
    "END:VCALENDAR",
  ]
  return `${lines.map(folded).join("\r\n")}\r\n`
}

/** Have the phone open the entry. */
export function addToCalendar(one: Appointment): void {
  const url = URL.createObjectURL(new Blob([calendarOf(one)], { type: "text/calendar" }))
  const link = Object.assign(document.createElement("a"), { href: url, download: `${one.day}.ics` })
  link.click()
  URL.revokeObjectURL(url)
}

function moment(at: string): string {
  return `${new Date(at).toISOString().slice(0, 19).replace(/[-:]/g, "")}Z`
}

function escaped(text: string): string {
  return text.replace(/[\\;,]/g, "\\$&").replace(/\n/g, "\\n")
}

/** No line is longer than 75 bytes: a longer one goes on in the next, behind a blank. */
function folded(line: string): string {
  const parts: string[] = []
  let part = ""
  let size = 0
  for (const char of line) {
    const bytes = new TextEncoder().encode(char).length
    if (size + bytes > LINE) {
      parts.push(part)
      part = ""
      size = 0
    }
    part += char
    size += bytes
  }
  return [...parts, part].join("\r\n ")
}
