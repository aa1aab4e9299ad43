import { reasonOf } from '../log.ts'

/**
 * What a receiver's answer means (issue 2 §6). `down`: it cannot take anything now, so order is held.
 * `refused`: it does not want this event, so the line goes on without it.
 */
export type PostOutcome =
  | { readonly kind: 'delivered' }
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'down'; readonly reason: string; readonly retryAfter: number | undefined }

const TIMEOUT = 30_000
const DOWN: ReadonlySet<number> = new Set([429, 502, 503, 504])

/**
 * Posts one event as MicroMDM does (micromdm-contract §2.1): credentials in the URL become Basic auth,
 * redirects are followed as Go's client follows them (which is what fetch does), any status below 400 is success.
 */
export async function post(url: string, body: string, now: number): Promise<PostOutcome> {
  const target = new URL(url)
  const headers: Record<string, string> = {
    'content-type': 'application/json; charset=utf-8',
    'user-agent': 'EdgeMDM',
  }
  if (target.username !== '' || target.password !== '') {
    const credentials = `${decodeURIComponent(target.username)}:${decodeURIComponent(target.password)}`
    headers['authorization'] = `Basic ${Buffer.from(credentials).toString('base64')}`
    target.username = ''
    target.password = ''
  }
  const timeout = new AbortController()
  const timer = setTimeout(() => {
    timeout.abort(new Error('no answer within 30 s'))
  }, TIMEOUT)
  try {
    const answer = await fetch(target.href, {
      method: 'POST',
      headers,
      body,
      signal: timeout.signal,
    })
    await answer.body?.cancel()
    return judge(answer, now)
  } catch (error) {
    return { kind: 'down', reason: reasonOf(error), retryAfter: undefined }
  } finally {
    clearTimeout(timer)
  }
}

function judge(answer: Response, now: number): PostOutcome {
  if (answer.status < 400) {
    return { kind: 'delivered' }
  }
  const reason = `status ${answer.status}`
  return DOWN.has(answer.status)
    ? { kind: 'down', reason, retryAfter: waitAsked(answer.headers.get('retry-after'), now) }
    : { kind: 'refused', reason }
}

/** `Retry-After` in seconds or as a date; milliseconds. */
function waitAsked(header: string | null, now: number): number | undefined {
  if (header === null) {
    return undefined
  }
  const wait = /^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - now
  return Number.isFinite(wait) && wait > 0 ? wait : undefined
}
