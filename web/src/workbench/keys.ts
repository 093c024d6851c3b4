/** Keys that work wherever nobody is typing. */
import { onBeforeUnmount, onMounted } from "vue"

export type Keys = Readonly<Record<string, () => void>>

/** Run what belongs to a key while the component is there; a key that types into a field stays a letter. */
export function onKeys(keys: Keys): void {
  const heard = (event: KeyboardEvent): void => {
    const act = keys[event.key]
    if (!act || event.ctrlKey || event.metaKey || event.altKey || isBusy(event)) return
    event.preventDefault()
    act()
  }
  onMounted(() => document.addEventListener("keydown", heard))
  onBeforeUnmount(() => document.removeEventListener("keydown", heard))
}

/** Somebody types, or the key has a meaning of its own where the focus is. */
function isBusy(event: KeyboardEvent): boolean {
  const { target } = event
  if (!(target instanceof HTMLElement)) return false
  if (target.matches("input, select, textarea, [contenteditable]")) return true
  if (document.querySelector("dialog[open]")) return true
  return event.key === "Enter" && target.matches("a, button, summary")
}
