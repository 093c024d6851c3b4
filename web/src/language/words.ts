/** Words in two languages, by key; `{name}` stands for a fact, `{count:item|items}` for one or several. */
export type Words = Readonly<Record<string, readonly [chinese: string, english: string]>>
export type Facts = Readonly<Record<string, string | number>>

const HOLE = /\{(\w+)(?::([^|}]*)\|([^}]*))?\}/g

/** A text with its facts put in. */
export function filled(text: string, facts: Facts = {}): string {
  return text.replace(HOLE, (_, name: string, one?: string, several?: string) => {
    const value = facts[name] ?? ""
    if (several === undefined) return String(value)
    return (Number(value) === 1 ? one : several) ?? ""
  })
}

/** The names of the facts that a text wants. */
export function factsOf(text: string): string[] {
  return [...new Set([...text.matchAll(HOLE)].map((match) => match[1] ?? ""))].sort()
}
