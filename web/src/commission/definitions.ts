/** What the figures count, as the node says it in the chosen language. */
import { shallowRef, watch } from "vue"
import { read } from "@/api/client.ts"
import type { components } from "@/api/schema.d.ts"
import { language } from "@/language/preferences.ts"

type Definition = components["schemas"]["DefinitionOut"]

const definitions = shallowRef<ReadonlyMap<string, Definition>>(new Map())
let asked = false

async function ask(): Promise<void> {
  const told = await read("/api/v1/figures/definitions").catch(() => undefined)
  if (told) definitions.value = new Map(told.map((one) => [one.name, one]))
  else asked = false
}

watch(language, () => {
  if (asked) void ask()
})

/** The definition of a figure, once it is known. */
export function definitionOf(name: string): Definition | undefined {
  if (!asked) {
    asked = true
    void ask()
  }
  return definitions.value.get(name)
}
