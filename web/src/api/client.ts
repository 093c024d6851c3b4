/** Calls of the platform API, typed by its own description. */
import { language } from "@/language/preferences.ts"
import type { paths } from "./schema.d.ts"

type Method = "get" | "post" | "delete"
type Operation<P extends keyof paths, M extends Method> = paths[P][M]
type WithMethod<M extends Method> = {
  [P in keyof paths]: paths[P] extends { [K in M]: object } ? P : never
}[keyof paths]
type Json<A> = { content: { "application/json": A } }
type Answer<O> = O extends { responses: { 200: Json<infer A> } }
  ? A
  : O extends { responses: { 201: Json<infer A> } }
    ? A
    : O extends { responses: { 202: Json<infer A> } }
      ? A
      : undefined
type PathFacts<O> = O extends { parameters: { path: infer F } } ? F : undefined
type Query<O> = O extends { parameters: { query?: infer Q } } ? Q : undefined
type Headers<O> = O extends { parameters: { header: infer H } } ? H : undefined
type Body<O> = O extends { requestBody: { content: { "application/json": infer B } } }
  ? B
  : undefined

export interface Options<O> {
  path?: PathFacts<O>
  query?: Query<O>
  body?: Body<O>
  headers?: Headers<O>
  signal?: AbortSignal
}

/** An answer that is a refusal or a failure (RFC 9457), or none at all (`unreachable`). */
export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    readonly title: string,
    readonly detail: string,
    readonly requestId: string,
    readonly facts: Readonly<Record<string, unknown>> = {},
  ) {
    super(code)
  }

  /** What somebody quotes on the phone. */
  get quote(): string {
    return [this.code, this.requestId.slice(0, 8)].filter(Boolean).join(" · ")
  }
}

const listeners = new Set<(problem: Problem) => void>()

/** Hear of every call that is refused. */
export function onProblem(listener: (problem: Problem) => void): void {
  listeners.add(listener)
}

export function read<P extends WithMethod<"get">>(path: P, options?: Options<Operation<P, "get">>) {
  return call(path, "get", options)
}

export function send<P extends WithMethod<"post">>(
  path: P,
  options?: Options<Operation<P, "post">>,
) {
  return call(path, "post", options)
}

export function remove<P extends WithMethod<"delete">>(
  path: P,
  options?: Options<Operation<P, "delete">>,
) {
  return call(path, "delete", options)
}

async function call<P extends keyof paths, M extends Method>(
  path: P,
  method: M,
  options: Options<Operation<P, M>> = {},
): Promise<Answer<Operation<P, M>>> {
  const response = await answered(address(path, options), {
    method: method.toUpperCase(),
    headers: {
      Accept: "application/json",
      "Accept-Language": language.value === "zh" ? "zh-hans" : "en",
      ...(options.body === undefined ? {} : { "Content-Type": "application/json" }),
      ...(options.headers as Record<string, string> | undefined),
    },
    ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
    ...(options.signal ? { signal: options.signal } : {}),
  })
  if (!response.ok) throw told(await problemOf(response))
  return (response.status === 204 ? undefined : await response.json()) as Answer<Operation<P, M>>
}

async function answered(url: string, request: RequestInit): Promise<Response> {
  try {
    return await fetch(url, request)
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error
    throw told(new Problem(0, "unreachable", "", "", ""))
  }
}

async function problemOf(response: Response): Promise<Problem> {
  const body = (await response.json().catch(() => ({}))) as Record<string, unknown>
  const text = (name: string) => (typeof body[name] === "string" ? body[name] : "")
  return new Problem(
    response.status,
    text("type").split(":").at(-1) || String(response.status),
    text("title"),
    text("detail"),
    response.headers.get("X-Request-Id") ?? "",
    typeof body.facts === "object" && body.facts !== null ? { ...body.facts } : {},
  )
}

function told(problem: Problem): Problem {
  for (const listener of listeners) listener(problem)
  return problem
}

function address(path: string, options: { path?: unknown; query?: unknown }): string {
  const facts = (options.path ?? {}) as Record<string, string>
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string) =>
    encodeURIComponent(facts[name] ?? ""),
  )
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(options.query ?? {})) {
    if (value !== undefined && value !== null && value !== "") query.set(name, String(value))
  }
  return query.size ? `${filled}?${query}` : filled
}
