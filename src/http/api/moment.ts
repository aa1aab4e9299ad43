import { z } from '@hono/zod-openapi'

/** Only what says its time zone is one moment everywhere (RFC 3339); the seconds may be left out. */
const RFC3339 = /^(\d{4}-\d\d-\d\dT\d\d:\d\d)(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)$/

/** Milliseconds of a time that a client wrote; `undefined` for what is none. */
export function readMoment(text: string): number | undefined {
  const written = text.toUpperCase()
  const minute = RFC3339.exec(written)?.[1]
  if (minute === undefined) {
    return undefined
  }
  const [ms, local] = [Date.parse(written), Date.parse(`${minute}Z`)]
  // Date.parse takes 30 February for 2 March, and a zone may lead out of the years that have four digits.
  return Number.isNaN(ms + local) ||
    !new Date(local).toISOString().startsWith(minute) ||
    !RFC3339.test(new Date(ms).toISOString())
    ? undefined
    : ms
}

export function noMoment(text: string): string {
  return `${JSON.stringify(text)} is no time: write one that there is, such as 2026-11-24T22:00:00Z or 2026-11-24T22:00:00+02:00 (in a URL %2B02:00)`
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
