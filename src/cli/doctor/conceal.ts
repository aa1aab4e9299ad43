/** The key is printed nowhere, even if an answer repeats it. */
import { boundedBody } from '../api-client.ts'
import type { DoctorVerdict } from './check.ts'

/** No server has a shorter key, and words of a sentence are not to be replaced. */
const SHORTEST = 6
const MOST_MEGABYTES = 4
const INSTEAD = '[the key]'

/** Replaces a key in a text: plain, escaped, and in the base64 of any text that holds it. */
export type Conceal = (text: string) => string

export function concealing(key = ''): Conceal {
  if (key.length < SHORTEST) {
    return (text) => text
  }
  const forms = [
    key,
    Buffer.from(key).toString('latin1'),
    JSON.stringify(key).slice(1, -1),
    encodeURIComponent(key),
    ...[0, 1, 2].flatMap((before) => base64Within(key, before)),
  ].toSorted((one, other) => other.length - one.length)
  return (text) => forms.reduce((rest, form) => rest.replaceAll(form, INSTEAD), text)
}

/** What base64 makes of a key behind 0 to 2 bytes: the characters that no neighbour changes. */
function base64Within(key: string, before: number): readonly string[] {
  const bytes = Buffer.concat([Buffer.alloc(before), Buffer.from(key)])
  const [from, to] = [Math.ceil((before * 8) / 6), Math.floor((bytes.length * 8) / 6)]
  return (['base64', 'base64url'] as const).map((kind) => bytes.toString(kind).slice(from, to))
}

export function concealInVerdict(verdict: DoctorVerdict, conceal: Conceal): DoctorVerdict {
  const seen = conceal(verdict.seen)
  if (!('fix' in verdict)) {
    return { ...verdict, seen }
  }
  const { want, fix } = verdict
  return { ...verdict, seen, fix: conceal(fix), ...(want !== undefined && { want: conceal(want) }) }
}

/** Follows no redirect, and reads a whole answer of a bounded length, without the key. @throws CliError */
export function guardedFetch(fetchIt: typeof fetch, conceal: Conceal): typeof fetch {
  return async (input, init) => {
    const response = await fetchIt(input, { redirect: 'manual', ...init })
    const { status, headers } = response
    const url = input instanceof Request ? input.url : input.toString()
    const bytes = await boundedBody(response, url, MOST_MEGABYTES)
    // One character a byte: an answer need not be text.
    const body = Buffer.from(conceal(bytes.toString('latin1')), 'latin1')
    return new Response(body.length === 0 ? null : body, {
      status,
      headers: [...headers].map(([name, value]): [string, string] => [name, conceal(value)]),
    })
  }
}
