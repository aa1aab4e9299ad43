import { z } from './zod.ts'

/** How values are written: times and texts in answers; times, numbers and flags in requests. */

export const time = z.iso.datetime()

/** Answers have no empty texts: they have null. */
export function textOrNull(text: string): string | null {
  return text === '' ? null : text
}

/** Milliseconds as a time, in one form everywhere. */
export function iso(ms: number): string {
  return new Date(ms).toISOString()
}

/** The same; 0 stands for never. */
export function atOrNull(ms: number): string | null {
  return ms === 0 ? null : iso(ms)
}

/** A time must name its time zone (RFC 3339); the seconds may be left out. */
const RFC3339 = /^(\d{4}-\d\d-\d\dT\d\d:\d\d)(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)$/

/** The milliseconds of a time in a request; `undefined` if the text is no time. */
export function readMoment(text: string): number | undefined {
  const written = text.toUpperCase()
  const minute = RFC3339.exec(written)?.[1]
  if (minute === undefined) {
    return undefined
  }
  const [ms, local] = [Date.parse(written), Date.parse(`${minute}Z`)]
  // Date.parse reads 30 February as 2 March, and a zone may lead to a year that has not four digits.
  return Number.isNaN(ms + local) ||
    !new Date(local).toISOString().startsWith(minute) ||
    !RFC3339.test(new Date(ms).toISOString())
    ? undefined
    : ms
}

export function noMoment(text: string): string {
  const examples = '2026-11-24T22:00:00Z or 2026-11-24T22:00:00+02:00 (in a URL %2B02:00)'
  return `${JSON.stringify(text)} is no time: write an existing time, such as ${examples}`
}

/** A time in a request, as milliseconds. */
export const moment = z
  .string()
  .openapi({ format: 'date-time' })
  .transform((text, context) => {
    const ms = readMoment(text)
    if (ms === undefined) {
      context.addIssue(noMoment(text))
      return z.NEVER
    }
    return ms
  })

/** A number in a query, in decimal digits: JavaScript also reads `1e2`, `0x1` and empty texts as numbers. */
export function digits<Schema extends z.ZodType>(schema: Schema): z.ZodPreprocess<Schema> {
  return z.preprocess(
    (text) => (typeof text === 'string' && /^\d+(\.\d+)?$/.test(text) ? Number(text) : text),
    schema,
  )
}

/** `if_version` of a PUT: the change of another person in between is not overwritten. */
export const readVersion = digits(z.int().min(0)).optional().openapi({
  description: 'stores it only if this is its version, or for 0 if it is new',
})

/** `true` or `false` in a query. */
export const flag = z.preprocess(
  (word) => (word === 'true' ? true : word === 'false' ? false : word),
  z.boolean('has to be true or false'),
)
