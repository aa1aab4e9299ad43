/** The times of an earlier command, for a form that is filled in as it was. */
import type { Schema } from '../../api/types.ts'

const MINUTE = 60_000

/** When a command may go out; as a field of date and time holds it. */
export interface Times {
  readonly from: string
  readonly until: string
}

/**
 * Times that are still ahead go into the form. A time that is past would be refused, or mean nothing.
 *
 * @param now of the server, in milliseconds
 * @returns `dropped`: what is said of the times that do not go into the form
 */
export function timesAgain(
  { not_before: from, expires_at: until }: Pick<Schema<'Command'>, 'not_before' | 'expires_at'>,
  now: number,
): { readonly times: Times; readonly dropped: string } {
  const isPast = (at: string | null): boolean => at !== null && Date.parse(at) <= now
  const past = [
    ...(isPast(from) ? ['Its planned time is past: it would go out at once.'] : []),
    ...(isPast(until) ? ['Its end is past: this form has none.'] : []),
  ]
  return {
    times: { from: isPast(from) ? '' : ofField(from), until: isPast(until) ? '' : ofField(until) },
    dropped: past.join(' '),
  }
}

/** As a field of date and time holds it: local, in whole minutes. A time that is ahead stays ahead. */
function ofField(at: string | null): string {
  if (at === null) {
    return ''
  }
  const time = Math.ceil(Date.parse(at) / MINUTE) * MINUTE
  const zone = new Date(time).getTimezoneOffset() * MINUTE
  return new Date(time - zone).toISOString().slice(0, 16)
}
