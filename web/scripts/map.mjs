/**
 * Makes src/commission/map/gansu.json from boundaries in GeoJSON (id = division code, properties.cp = seat of
 * the government), as they come with ECharts 4.9.0 (Apache-2.0): node scripts/map.mjs gansu.geojson
 *
 * Borders that two cities share are cut at the points where a third begins and simplified once, so that no
 * gaps open between neighbours.
 */
import { readFileSync, writeFileSync } from "node:fs"

const WIDTH = 1000
const TOLERANCE = 0.9 // of the width's units
const SMALLEST = 6 // square units: lesser islands are left out
const NARROWER = Math.cos((37.7 / 180) * Math.PI) // a degree of longitude in the middle of the province

const { features } = JSON.parse(readFileSync(process.argv[2], "utf8"))
const polygonsOf = ({ geometry }) =>
  geometry.type === "Polygon" ? [geometry.coordinates] : geometry.coordinates
const all = features.flatMap((one) => polygonsOf(one).flat(2))
const west = Math.min(...all.map(([lon]) => lon))
const east = Math.max(...all.map(([lon]) => lon))
const north = Math.max(...all.map(([, lat]) => lat))
const south = Math.min(...all.map(([, lat]) => lat))
const scale = WIDTH / ((east - west) * NARROWER)
const place = ([lon, lat]) => [(lon - west) * NARROWER * scale, (north - lat) * scale]
const key = ([lon, lat]) => `${lon},${lat}`

/** Rings without their repeated last point. */
const ringsOf = (one) =>
  polygonsOf(one)
    .flat()
    .map((ring) => (key(ring[0]) === key(ring.at(-1)) ? ring.slice(0, -1) : ring))

const neighbours = new Map()
for (const ring of features.flatMap(ringsOf)) {
  ring.forEach((point, n) => {
    const around = neighbours.get(key(point)) ?? new Set()
    around.add(key(ring[(n + 1) % ring.length])).add(key(ring.at(n - 1)))
    neighbours.set(key(point), around)
  })
}
const isJunction = (point) => neighbours.get(key(point)).size > 2

function distance([x, y], [ax, ay], [bx, by]) {
  const length = Math.hypot(bx - ax, by - ay)
  if (length === 0) return Math.hypot(x - ax, y - ay)
  return Math.abs((by - ay) * x - (bx - ax) * y + bx * ay - by * ax) / length
}

/** Douglas and Peucker. */
function simplified(points) {
  if (points.length < 3) return points
  let [farthest, at] = [0, 0]
  for (let n = 1; n < points.length - 1; n++) {
    const away = distance(points[n], points[0], points.at(-1))
    if (away > farthest) [farthest, at] = [away, n]
  }
  if (farthest <= TOLERANCE) return [points[0], points.at(-1)]
  return [...simplified(points.slice(0, at + 1)).slice(0, -1), ...simplified(points.slice(at))]
}

function line(arc) {
  const turned = key(arc[0]) > key(arc.at(-1)) // the same line from both sides
  const placed = simplified((turned ? arc.toReversed() : arc).map(place))
  return turned ? placed.toReversed() : placed
}

function outline(ring) {
  const start = Math.max(ring.findIndex(isJunction), 0)
  const turned = [...ring.slice(start), ...ring.slice(0, start), ring[start]]
  const cuts = turned.flatMap((point, n) =>
    n === 0 || n === turned.length - 1 || isJunction(point) ? [n] : [],
  )
  if (cuts.length === 2) cuts.splice(1, 0, Math.floor(turned.length / 2)) // an island or an enclave
  return cuts.slice(1).flatMap((cut, n) => line(turned.slice(cuts[n], cut + 1)).slice(0, -1))
}

function area(points) {
  return Math.abs(
    points.reduce((sum, [x, y], n) => {
      const [nx, ny] = points[(n + 1) % points.length]
      return sum + x * ny - nx * y
    }, 0) / 2,
  )
}

const said = (value) => String(Math.round(value * 10) / 10)
const cities = features.map((one) => {
  const outlines = ringsOf(one).map(outline)
  const largest = Math.max(...outlines.map(area))
  const kept = outlines.filter((points) => area(points) === largest || area(points) >= SMALLEST)
  const path = kept
    .map((points) => `M${points.map((point) => point.map(said).join(" ")).join("L")}Z`)
    .join("")
  return {
    code: one.id,
    at: place(one.properties.cp).map((value) => Math.round(value * 10) / 10),
    path,
  }
})
const height = Math.ceil((north - south) * scale)
const target = new URL("../src/commission/map/gansu.json", import.meta.url)
writeFileSync(target, `${JSON.stringify({ width: WIDTH, height, cities }, null, 1)}\n`)
