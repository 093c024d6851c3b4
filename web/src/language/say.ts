import { language } from "./preferences.ts"
import { type Facts, filled, type Words } from "./words.ts"

/** A function that says a table's words in the chosen language; templates that call it follow a switch. */
export function speaker<T extends Words>(words: T) {
  return (key: keyof T & string, facts?: Facts): string => {
    const [chinese, english] = words[key] as T[string]
    return filled(language.value === "zh" ? chinese : english, facts)
  }
}
