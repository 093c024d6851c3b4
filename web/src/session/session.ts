/** Who is signed in on this page. The token itself lies in a cookie that no script can read. */
import { ref, shallowRef } from "vue"
import { onProblem, Problem, read, remove, send } from "@/api/client.ts"
import type { components } from "@/api/schema.d.ts"

export type Offer = components["schemas"]["SecondFactorOut"]
export type Session = components["schemas"]["PageSessionOut"]

const RENEW_AFTER = 5 * 60_000

/** `undefined` until the node was asked. */
export const session = ref<Session | null>()
/** Why it could not be found out who is signed in. */
export const unknown = shallowRef<Problem>()
let renewedAt = 0

onProblem((problem) => {
  if (problem.status === 401) session.value = null
})

/** Ask the node who is signed in, unless that is known; where it does not say, `unknown` tells why. */
export async function known(): Promise<Session | null> {
  if (session.value !== undefined) return session.value
  try {
    begin(await read("/api/v1/session"))
  } catch (error) {
    if (!(error instanceof Problem)) throw error
    if (error.status !== 401) unknown.value = error
  }
  return session.value ?? null
}

export async function signIn(login: string, password: string, code?: string): Promise<void> {
  begin(await send("/api/v1/session", { body: { login, password, ...(code ? { code } : {}) } }))
}

/** A new secret for the authenticator of somebody who has none at this node. */
export function offerOf(login: string, password: string): Promise<Offer> {
  return send("/api/v1/sign-in/second-factor", { body: { login, password } })
}

export async function signInByPhone(phone: string, code: string): Promise<void> {
  begin(await send("/api/v1/session/phone", { body: { phone, code } }))
}

/** Ask again who is signed in: what the session stands for has changed. */
export async function refresh(): Promise<void> {
  begin(await read("/api/v1/session"))
}

export async function signOut(): Promise<void> {
  await remove("/api/v1/session")
  session.value = null
}

/** Somebody uses the page: let the session last, at most every few minutes. */
export async function renew(): Promise<void> {
  if (!session.value || Date.now() - renewedAt < RENEW_AFTER) return
  renewedAt = Date.now()
  session.value = await send("/api/v1/session/renewal")
}

function begin(started: Session): void {
  session.value = started
  renewedAt = Date.now()
}
