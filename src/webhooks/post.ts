import { abortAfter, clock } from '../clock.ts'
import { renderEvent, type DeviceEvent } from '../events/event.ts'
import { redacted } from '../events/redact.ts'
import { isDowngrade, refuseTarget } from '../events/target.ts'
import { VAR_WEBHOOK, type Webhook } from '../events/webhook.ts'
import { reasonOf, OwnError } from '../reason.ts'
import { signature } from './sign.ts'

/**
 * The meaning of an answer (docs/webhooks.md, Delivery). `down`: the receiver can accept no event now, so the
 * order is held. `refused`: it does not accept this event, so the next event of the device is posted.
 */
export type PostOutcome =
  | { readonly kind: 'delivered'; readonly status: number }
  | { readonly kind: 'refused'; readonly status: number; readonly reason: string }
  | {
      readonly kind: 'down'
      /** 0 when there was no answer. */
      readonly status: number
      readonly reason: string
      readonly retryAfter: number | undefined
    }

/** The answer to a test event; `latency` is milliseconds. */
export interface TestResult {
  readonly event: string
  readonly outcome: PostOutcome
  readonly latency: number
}

const TIMEOUT = 30_000
const CONTENT_TYPE = 'application/json; charset=utf-8'
const MAX_REQUESTS = 10
/** The part of a URL that a reason shows. */
const MAX_PLACE = 200
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308])
/** 521 to 526 and 530 are of Cloudflare: it does not reach the origin or the tunnel. */
const DOWN: ReadonlySet<number> = new Set([429, 502, 503, 504, 521, 522, 523, 524, 525, 526, 530])

/** Where events are posted; `authorization` is empty for none. */
export interface Receiver {
  readonly url: string
  readonly authorization: string
  /** Set by the admin. As `authorization`, they are sent to the host of `url` only. */
  readonly headers: Readonly<Record<string, string>>
  /** Whether redirects are followed as by MicroMDM's client: 302 by a GET without the event. */
  readonly asGo: boolean
  /** Whether the receiver may be on this machine or its network. */
  readonly allowPrivate: boolean
}

export interface Body {
  readonly text: string
  /** Headers. They are sent to any host: they reveal nothing. */
  readonly signature: Readonly<Record<string, string>>
}

/** Posts an event as the settings of its webhook say: redacted or whole, signed. `send` does the post. */
export async function postEvent(
  webhook: Webhook,
  event: DeviceEvent,
  { isReplay, allowPrivate }: { readonly isReplay: boolean; readonly allowPrivate: boolean },
  send = post,
): Promise<PostOutcome> {
  const now = clock.now()
  const text = renderEvent(webhook.redact ? redacted(event) : event, isReplay)
  const { url, authorization, headers, id } = webhook
  const receiver = { url, authorization, headers, asGo: id === VAR_WEBHOOK, allowPrivate }
  return send(receiver, { text, signature: signature(webhook, event.id, text, now) }, now)
}

/** Posts one event as MicroMDM does: any status below 400 is success. */
export async function post(receiver: Receiver, body: Body, now: number): Promise<PostOutcome> {
  const timeout = abortAfter(TIMEOUT)
  try {
    const answer = await follow(receiver, body, timeout.signal)
    await answer.body?.cancel()
    return judge(answer, now, receiver.asGo)
  } catch (error) {
    const reason = timeout.signal.aborted ? 'no answer within 30 s' : plain(reasonOf(error))
    return { kind: 'down', status: 0, reason, retryAfter: undefined }
  } finally {
    timeout.cancel()
  }
}

/**
 * Follows redirects: ten requests at most. For the webhook of WEBHOOK_URL it does so as Go's client
 * (net/http, Client): a POST becomes a GET, except for 307 and 308. That GET brings no event, so for other
 * webhooks it is a refusal. A redirect without a location is an answer like any other. Unlike Go's client, it
 * sends no event and no credentials from https to http.
 */
async function follow(receiver: Receiver, body: Body, signal: AbortSignal): Promise<Response> {
  const given = new URL(receiver.url)
  let at = given
  let isPost = true
  let trusted = true
  for (let requests = 0; requests < MAX_REQUESTS; requests++) {
    requireAllowed(at, receiver)
    const headers = { 'user-agent': 'EdgeMDM', ...(trusted ? forHost(receiver) : {}) }
    const request = isPost ? postOf(body, headers) : { method: 'GET', headers }
    const answer: Response = await fetch(at, { ...request, redirect: 'manual', signal })
    const location = locationOf(answer)
    const keepsPost = answer.status === 307 || answer.status === 308
    if (location === null || (isPost && !keepsPost && !receiver.asGo)) {
      return answer
    }
    await answer.body?.cancel()
    isPost &&= keepsPost
    const to = redirected(location, at)
    if (isPost && isDowngrade(at, to)) {
      throw new OwnError(
        `status ${answer.status} leads from https to ${shown(to)}, where the event would go in clear: ` +
          "have the receiver redirect to https, or set the webhook's url to its new place",
      )
    }
    // Once false it stays false: a place without trust chose the next one.
    trusted &&= !isDowngrade(at, to) && isSameService(to, given)
    at = to
  }
  throw new OwnError(`stopped after ${MAX_REQUESTS} redirects`)
}

/** The location of a redirect; null for every other answer. */
function locationOf({ status, headers }: Response): string | null {
  return REDIRECTS.has(status) ? headers.get('location') : null
}

/** @throws when events may not be posted there; the text says what to do */
function requireAllowed(at: URL, { allowPrivate }: Receiver): void {
  const refusal = allowPrivate ? undefined : refuseTarget(at.href)
  if (refusal !== undefined) {
    throw new OwnError(refusal)
  }
}

/** The target of a redirect, without a user and password in it. @throws when it is no http or https URL */
function redirected(location: string, from: URL): URL {
  const to = URL.parse(location, from)
  if (to === null || !/^https?:$/.test(to.protocol)) {
    throw new OwnError('the receiver redirects to an address that is no http or https URL')
  }
  to.username = ''
  to.password = ''
  return to
}

/** Whether credentials for `given` may be sent there: to its host and subdomains, on the same port. */
function isSameService({ hostname, port }: URL, given: URL): boolean {
  return (
    port === given.port && (hostname === given.hostname || hostname.endsWith(`.${given.hostname}`))
  )
}

/** Reasons are logged, so they show no query and no password. */
function shown({ origin, pathname }: URL): string {
  return (origin + pathname).slice(0, MAX_PLACE)
}

/** workerd gives only a reference for a host that it cannot connect to; it is for Cloudflare's support. */
function plain(reason: string): string {
  return reason.startsWith('internal error')
    ? `could not connect: does the host's name resolve, and does it listen? (${reason})`
    : reason
}

function postOf({ text, signature: signed }: Body, headers: Record<string, string>): RequestInit {
  return {
    method: 'POST',
    body: text,
    headers: { ...headers, ...signed, 'content-type': CONTENT_TYPE },
  }
}

function forHost({ headers, authorization }: Receiver): Record<string, string> {
  return { ...headers, ...(authorization === '' ? {} : { authorization }) }
}

function judge(answer: Response, now: number, asGo: boolean): PostOutcome {
  const location = asGo ? null : locationOf(answer)
  if (location !== null) {
    const place = URL.parse(location, answer.url)
    const target = place ? shown(place) : 'its location'
    const reason =
      `status ${answer.status}, which would bring no event to ${target}: ` +
      "set the webhook's url to that"
    return { kind: 'refused', status: answer.status, reason }
  }
  if (answer.status < 400) {
    return { kind: 'delivered', status: answer.status }
  }
  const { status } = answer
  const reason = `status ${status}`
  return DOWN.has(status)
    ? {
        kind: 'down',
        status,
        reason,
        retryAfter: waitAsked(answer.headers.get('retry-after'), now),
      }
    : { kind: 'refused', status, reason }
}

/** `Retry-After` in seconds or as a date; milliseconds. */
function waitAsked(header: string | null, now: number): number | undefined {
  if (header === null) {
    return undefined
  }
  const wait = /^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - now
  return Number.isFinite(wait) && wait > 0 ? wait : undefined
}
