/** Judges an answer of APNs: its meaning for the device, the certificate and the next push. */

const MINUTE = 60_000
const MAX_FOREIGN_REASON = 200

export interface ApnsResponse {
  status: number
  apnsId?: string | undefined
  reason?: string | undefined
  /** Milliseconds since 1970: when APNs last knew the token to be valid (410 only). */
  timestamp?: number | undefined
  retryAfter?: string | undefined
}

export type Verdict =
  | { kind: 'delivered'; id: string }
  | { kind: 'token_dead'; reason: string; since: number | undefined }
  | { kind: 'token_refused'; reason: string }
  | { kind: 'configuration'; reason: string }
  | { kind: 'later'; reason: string; after: number | undefined }
  | { kind: 'transport'; reason: string }
  | { kind: 'bug'; reason: string }

type Kind = Verdict['kind']

const BY_REASON: Readonly<Record<string, Kind>> = {
  BadDeviceToken: 'token_refused',
  DeviceTokenNotForTopic: 'token_refused',

  BadTopic: 'configuration',
  MissingTopic: 'configuration',
  TopicDisallowed: 'configuration',
  BadCertificate: 'configuration',
  BadCertificateEnvironment: 'configuration',
  Forbidden: 'configuration',
  MissingProviderToken: 'configuration',

  Unregistered: 'token_dead',
  ExpiredToken: 'token_dead',

  IdleTimeout: 'transport',

  TooManyRequests: 'later',
  InternalServerError: 'later',
  ServiceUnavailable: 'later',
  Shutdown: 'later',

  // Only providers that authenticate by JSON Web Token get these.
  ExpiredProviderToken: 'bug',
  InvalidProviderToken: 'bug',
  TooManyProviderTokenUpdates: 'bug',
  InvalidPushType: 'bug',
  BadPriority: 'bug',
  BadExpirationDate: 'bug',
  DuplicateHeaders: 'bug',
  BadMessageId: 'bug',
  BadCollapseId: 'bug',
  PayloadEmpty: 'bug',
  MissingDeviceToken: 'bug',
  BadPath: 'bug',
  MethodNotAllowed: 'bug',
  PayloadTooLarge: 'bug',
}

/** Reasons that count against the certificate only when the topic is the certificate's own. */
const ABOUT_TOPIC: ReadonlySet<string> = new Set(['BadTopic', 'MissingTopic', 'TopicDisallowed'])

/** Apple adds reasons without notice, so an unknown reason is judged by its status. */
const BY_STATUS: Readonly<Record<number, Kind>> = {
  200: 'delivered',
  403: 'configuration',
  410: 'token_dead',
  429: 'later',
}

/**
 * @param isOwnTopic whether the push went to the certificate's topic, and not to a topic that only its
 * device named
 */
export function judge(answer: ApnsResponse, isOwnTopic = true): Verdict {
  // Every answer of Apple has an apns-id. An answer without it comes from a proxy or the edge.
  if (answer.apnsId === undefined) {
    return { kind: 'transport', reason: answer.reason ?? `status ${answer.status} without apns-id` }
  }
  const reason = answer.reason ?? `status ${answer.status}`
  const kind = !isOwnTopic && ABOUT_TOPIC.has(reason) ? 'token_refused' : kindOf(answer)
  switch (kind) {
    case 'delivered':
      return { kind, id: answer.apnsId }
    case 'token_dead':
      return { kind, reason, since: answer.timestamp }
    case 'later':
      return { kind, reason, after: waitFor(answer) }
    default:
      return { kind, reason }
  }
}

/** Reads an HTTP answer into the parts that `judge` needs. */
export function readAnswer(status: number, headers: Headers, body: string): ApnsResponse {
  return {
    status,
    apnsId: headers.get('apns-id') ?? undefined,
    retryAfter: headers.get('retry-after') ?? undefined,
    ...readBody(body),
  }
}

function kindOf(answer: ApnsResponse): Kind {
  if (answer.status === 200) return 'delivered'
  const known = answer.reason === undefined ? undefined : BY_REASON[answer.reason]
  return known ?? BY_STATUS[answer.status] ?? (answer.status >= 500 ? 'later' : 'bug')
}

function waitFor(answer: ApnsResponse): number | undefined {
  const seconds = answer.retryAfter === undefined ? Number.NaN : Number(answer.retryAfter)
  if (Number.isFinite(seconds) && seconds >= 0) return seconds * 1000
  // Too many pushes to this one token: other tokens are not affected, and this one needs minutes.
  return answer.status === 429 ? 5 * MINUTE : undefined
}

function readBody(body: string): Pick<ApnsResponse, 'reason' | 'timestamp'> {
  let parsed: unknown
  try {
    parsed = JSON.parse(body)
  } catch {
    // This answer is not Apple's: a proxy may give a reason in it.
    return body.trim() === '' ? {} : { reason: body.trim().slice(0, MAX_FOREIGN_REASON) }
  }
  if (typeof parsed !== 'object' || parsed === null) return {}
  return {
    reason: 'reason' in parsed && typeof parsed.reason === 'string' ? parsed.reason : undefined,
    timestamp:
      'timestamp' in parsed && typeof parsed.timestamp === 'number' ? parsed.timestamp : undefined,
  }
}
