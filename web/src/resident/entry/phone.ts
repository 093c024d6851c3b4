/** Phone numbers of the mainland as people type them, and the code that one was sent. */
import { ref } from "vue"
import { send } from "@/api/client.ts"

const MOBILE = /^1[3-9]\d{9}$/

export interface Sent {
  phone: string
  /** When another may be asked for, in ms of this device's clock. */
  againAt: number
}

/** The phone that was sent a code last; it stands in no address. */
export const sent = ref<Sent>()

/** The eleven digits of what somebody typed, or undefined. */
export function mobileOf(typed: string): string | undefined {
  const digits = typed
    .normalize("NFKC")
    .replace(/[\s-]/g, "")
    .replace(/^(\+|00)86/, "")
  return MOBILE.test(digits) ? digits : undefined
}

/** “139 **** 5678” in one piece: enough to see that it is the own one. */
export function masked(phone: string): string {
  return `${phone.slice(0, 3)}\u00a0****\u00a0${phone.slice(-4)}`
}

/** Whole seconds until a moment; none once it is over. */
export function secondsUntil(at: number, now: number): number {
  return Math.max(0, Math.ceil((at - now) / 1000))
}

export async function askForCode(phone: string): Promise<void> {
  const { again_after } = await send("/api/v1/sign-in/codes", { body: { phone } })
  sent.value = { phone, againAt: Date.now() + again_after * 1000 }
}
