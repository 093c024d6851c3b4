import { afterEach, expect, test, vi } from "vitest"
import { effectScope } from "vue"
import { Problem, read, send } from "@/api/client.ts"
import { reading as readingInView } from "@/api/reading.ts"
import { language } from "@/language/preferences.ts"
import { session } from "@/session/session.ts"

const PERSON = "0192f0c1-2d3e-7a4b-8c5d-6e7f8a9b0c1d"

afterEach(() => {
  vi.unstubAllGlobals()
  vi.useRealTimers()
})

function reading<T>(load: (signal: AbortSignal) => Promise<T>) {
  const scope = effectScope()
  return scope.run(() => readingInView(load)) as ReturnType<typeof readingInView<T>>
}

function answering(status: number, body: unknown, headers: Record<string, string> = {}) {
  const fetched = vi.fn(async (_url: string, _request: RequestInit) =>
    Promise.resolve(new Response(JSON.stringify(body), { status, headers })),
  )
  vi.stubGlobal("fetch", fetched)
  return fetched
}

test("an address is filled in, and what is not asked is left out", async () => {
  const fetched = answering(200, { items: [], next: null, unheard: [] })
  language.value = "en"

  await read("/api/v1/persons/{person_id}/timeline", {
    path: { person_id: PERSON },
    query: { limit: 20, kind: "Encounter,Condition", organisation: null, cursor: null },
  })

  const [url, request] = fetched.mock.calls[0] as [string, RequestInit]
  expect(url).toBe(`/api/v1/persons/${PERSON}/timeline?limit=20&kind=Encounter%2CCondition`)
  expect(request.headers).toMatchObject({ "Accept-Language": "en" })
  expect(request.body).toBeUndefined()
  language.value = "zh"
})

test("a problem is told with its code and what to quote, and a 401 ends the session", async () => {
  session.value = { login: "li", name: "", role: "resident", person_id: null, expires_at: "" }
  answering(
    401,
    { type: "urn:problem:sign-in-refused", title: "账号或密码不正确" },
    { "X-Request-Id": "0a1b2c3d4e5f" },
  )

  const told = send("/api/v1/session", { body: { login: "li", password: "x" } })

  await expect(told).rejects.toMatchObject({
    status: 401,
    code: "sign-in-refused",
    quote: "sign-in-refused · 0a1b2c3d",
  })
  expect(session.value).toBeNull()
})

test("an answer that is no problem document is told by its status", async () => {
  vi.stubGlobal("fetch", async () => new Response("<html>", { status: 502 }))

  await expect(read("/api/v1/session")).rejects.toMatchObject({ status: 502, code: "502" })
})

test("no answer at all is a problem too", async () => {
  vi.stubGlobal("fetch", async () => Promise.reject(new TypeError("Failed to fetch")))

  await expect(read("/api/v1/session")).rejects.toMatchObject({ status: 0, code: "unreachable" })
})

test("a skeleton comes late, and a newer start abandons the one before", async () => {
  vi.useFakeTimers()
  const answers: ((value: string) => void)[] = []
  const signals: AbortSignal[] = []
  const { state, data, start } = reading((signal) => {
    signals.push(signal)
    return new Promise<string>((resolve) => answers.push(resolve))
  })

  const first = start()
  expect(state.value).toBe("waiting")
  await vi.advanceTimersByTimeAsync(200)
  expect(state.value).toBe("loading")
  const second = start()
  answers[0]?.("old")
  await first
  expect([signals[0]?.aborted, data.value]).toEqual([true, undefined])
  answers[1]?.("new")
  await second
  expect([state.value, data.value]).toEqual(["ready", "new"])
})

test("a failure is a state, a bug is not", async () => {
  const failed = reading(() => Promise.reject(new Problem(503, "storage-away", "", "", "")))
  await failed.start()
  expect([failed.state.value, failed.problem.value?.code]).toEqual(["failed", "storage-away"])

  await expect(reading(() => Promise.reject(new Error("bug"))).start()).rejects.toThrow("bug")
})
