/** The fourteen cities of the province: their names, and where the map writes them. */
import MAP from "./map/gansu.json" with { type: "json" }
import { say } from "./words.ts"

export interface City {
  code: string
  at: readonly [x: number, y: number]
  path: string
}

/** Where a name stands beside its mark: right, left, above or below; under it, and on to the right. */
type Side = "right" | "left" | "above" | "below" | "under"

const SIDES: Readonly<Record<string, Side>> = {
  "620100": "left",
  "620200": "above",
  "620300": "above",
  "620400": "right",
  "620500": "below",
  "620600": "right",
  "620700": "left",
  "620800": "under",
  "620900": "below",
  "621000": "above",
  "621100": "below",
  "621200": "below",
  "622900": "left",
  "623000": "left",
}

export const CAPITAL = "620100"
export const SIZE = { width: MAP.width, height: MAP.height }
export const CITIES = MAP.cities as unknown as readonly City[]

/** The full name of a city; its code where it is none of ours. */
export function cityName(code: string): string {
  return code in SIDES ? say(`name.${code as "620100"}`) : code
}

/** As the map and lists write it. */
export function shortName(code: string): string {
  return code in SIDES ? say(`short.${code as "620100"}`) : code
}

export function sideOf(code: string): Side {
  return SIDES[code] ?? "right"
}
