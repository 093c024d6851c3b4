/** What somebody chose on this device: language, large type, light or dark. */
import { effectScope, ref, watch } from "vue"

export type Language = "zh" | "en"
export type Theme = "auto" | "light" | "dark"

const LANG = { zh: "zh-CN", en: "en" } as const
const LARGEST = 1.36

export const language = ref<Language>(kept("language", ["zh", "en"], "zh"))
export const mode = ref(kept("mode", ["standard", "elder"], "standard"))
export const zoom = ref(kept("zoom", ["standard", "largest"], "standard"))
export const theme = ref<Theme>(kept("theme", ["auto", "light", "dark"], "auto"))

/** Let the document follow the choices and keep them; an entry calls it once, before it shows anything. */
export function followPreferences(): void {
  const dark = matchMedia("(prefers-color-scheme: dark)")
  const root = document.documentElement
  const fixed = root.dataset.theme // the wall is dark whatever the room is
  const follow = () => {
    root.lang = LANG[language.value]
    root.dataset.mode = mode.value
    root.dataset.theme =
      fixed ?? (theme.value === "auto" ? (dark.matches ? "dark" : "light") : theme.value)
    const largest = mode.value === "elder" && zoom.value === "largest"
    root.style.setProperty("--jq-zoom", largest ? String(LARGEST) : "1")
    keep({ language: language.value, mode: mode.value, zoom: zoom.value, theme: theme.value })
  }
  dark.addEventListener("change", follow)
  effectScope(true).run(() => watch([language, mode, zoom, theme], follow, { immediate: true }))
}

function kept<T extends string>(name: string, allowed: readonly T[], otherwise: T): T {
  try {
    const value = localStorage.getItem(`jianqiao.${name}`)
    return allowed.find((one) => one === value) ?? otherwise
  } catch {
    return otherwise // storage is switched off
  }
}

function keep(values: Record<string, string>): void {
  try {
    for (const [name, value] of Object.entries(values)) {
      localStorage.setItem(`jianqiao.${name}`, value)
    }
  } catch {
    // storage is switched off: the choice holds until the page is closed
  }
}
