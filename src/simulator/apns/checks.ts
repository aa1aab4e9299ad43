/** The checks that APNs makes before it looks up the token, in its order. */
import type { IncomingHttpHeaders } from 'node:http2'

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i
const TOKEN_PATH = /^\/3\/device\/[0-9a-f]{64,}$/i
/** Apple's limit for anything but VoIP. */
const MAX_BODY = 4096

export interface ApnsAnswer {
  status: number
  reason?: string
  /** Milliseconds since 1970, on 410. */
  timestamp?: number
  retryAfter?: number
}

export interface Provider {
  topic: string
  /** Fingerprint of the push certificate that is accepted, and of the one that was presented. */
  accepted: string
  presented: string | undefined
}

interface Push {
  headers: IncomingHttpHeaders
  body: string
  magic: string | undefined
  provider: Provider
}

type Check = readonly [status: number, reason: string, fails: (push: Push) => boolean]

const CHECKS: readonly Check[] = [
  [405, 'MethodNotAllowed', ({ headers }) => headers[':method'] !== 'POST'],
  [404, 'BadPath', ({ headers }) => !headers[':path']?.startsWith('/3/device/')],
  [403, 'MissingProviderToken', ({ provider }) => provider.presented === undefined],
  [403, 'BadCertificate', ({ provider }) => provider.presented !== provider.accepted],
  [400, 'MissingTopic', ({ headers }) => headers['apns-topic'] === undefined],
  [400, 'BadTopic', ({ headers }) => !isTopic(headers['apns-topic'])],
  [400, 'TopicDisallowed', ({ headers, provider }) => headers['apns-topic'] !== provider.topic],
  [400, 'InvalidPushType', ({ headers }) => headers['apns-push-type'] !== 'mdm'],
  [400, 'BadPriority', ({ headers }) => !/^(1|5|10)$/.test(text(headers['apns-priority'] ?? '10'))],
  [
    400,
    'BadExpirationDate',
    ({ headers }) => !/^\d+$/.test(text(headers['apns-expiration'] ?? '0')),
  ],
  [
    400,
    'BadMessageId',
    ({ headers }) => headers['apns-id'] !== undefined && !UUID.test(text(headers['apns-id'])),
  ],
  [400, 'BadDeviceToken', ({ headers }) => !TOKEN_PATH.test(headers[':path'] ?? '')],
  [413, 'PayloadTooLarge', ({ body }) => body.length > MAX_BODY],
  [400, 'PayloadEmpty', ({ magic }) => magic === undefined],
]

/** The first refusal of APNs, or undefined. `magic` is the one in the body, if that is an MDM push. */
export function apnsRefusal(
  headers: IncomingHttpHeaders,
  body: string,
  magic: string | undefined,
  provider: Provider,
): ApnsAnswer | undefined {
  const failed = CHECKS.find(([, , fails]) => fails({ headers, body, magic, provider }))
  return failed && { status: failed[0], reason: failed[1] }
}

function isTopic(value: string | string[] | undefined): boolean {
  return text(value).startsWith('com.apple.mgmt.')
}

function text(value: string | string[] | undefined): string {
  return typeof value === 'string' ? value : ''
}
