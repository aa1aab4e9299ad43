import { describe, expect, test } from 'vitest'
import { judge, readAnswer } from '../../../src/push/verdict.ts'

const ID = '6F3C1F5A-0000-4000-8000-000000000001'

describe('every row of Apple’s status table', () => {
  test.each([
    [400, 'BadDeviceToken', 'token_refused'],
    [400, 'DeviceTokenNotForTopic', 'token_refused'],
    [400, 'BadTopic', 'configuration'],
    [400, 'MissingTopic', 'configuration'],
    [400, 'TopicDisallowed', 'configuration'],
    [400, 'InvalidPushType', 'bug'],
    [400, 'BadPriority', 'bug'],
    [400, 'BadExpirationDate', 'bug'],
    [400, 'DuplicateHeaders', 'bug'],
    [400, 'PayloadEmpty', 'bug'],
    [400, 'IdleTimeout', 'transport'],
    [400, 'BadMessageId', 'bug'],
    [403, 'BadCertificate', 'configuration'],
    [403, 'BadCertificateEnvironment', 'configuration'],
    [403, 'Forbidden', 'configuration'],
    [403, 'MissingProviderToken', 'configuration'],
    [403, 'ExpiredProviderToken', 'bug'],
    [403, 'InvalidProviderToken', 'bug'],
    [404, 'BadPath', 'bug'],
    [405, 'MethodNotAllowed', 'bug'],
    [410, 'Unregistered', 'token_dead'],
    [410, 'ExpiredToken', 'token_dead'],
    [413, 'PayloadTooLarge', 'bug'],
    [429, 'TooManyRequests', 'later'],
    [429, 'TooManyProviderTokenUpdates', 'bug'],
    [500, 'InternalServerError', 'later'],
    [503, 'ServiceUnavailable', 'later'],
    [503, 'Shutdown', 'later'],
  ] as const)('%i %s is %s', (status, reason, kind) => {
    expect(judge({ status, apnsId: ID, reason })).toMatchObject({ kind, reason })
  })

  test('200 is delivered under the id that APNs gave', () => {
    expect(judge({ status: 200, apnsId: ID })).toEqual({ kind: 'delivered', id: ID })
  })
})

test('an answer without apns-id is not Apple’s, with any status', () => {
  for (const status of [200, 400, 403, 410, 502, 520, 530]) {
    expect(judge({ status, reason: undefined }).kind).toBe('transport')
  }
})

test('a refused topic that only its device named does not count against the certificate', () => {
  for (const reason of ['BadTopic', 'MissingTopic', 'TopicDisallowed']) {
    expect(judge({ status: 400, apnsId: ID, reason }, false)).toEqual({
      kind: 'token_refused',
      reason,
    })
  }
  const certificate = judge({ status: 403, apnsId: ID, reason: 'BadCertificate' }, false)
  expect(certificate.kind).toBe('configuration')
})

test('an unknown reason of Apple’s is judged by its status', () => {
  const kinds = [400, 403, 410, 429, 500, 504].map(
    (status) => judge({ status, apnsId: ID, reason: 'BrandNew' }).kind,
  )
  expect(kinds).toEqual(['bug', 'configuration', 'token_dead', 'later', 'later', 'later'])
})

test('a dead token carries the moment since which it is dead, so that a later TokenUpdate wins', () => {
  const answer = readAnswer(
    410,
    new Headers({ 'apns-id': ID }),
    '{"reason":"Unregistered","timestamp":1700000000000}',
  )
  expect(judge(answer)).toEqual({
    kind: 'token_dead',
    reason: 'Unregistered',
    since: 1_700_000_000_000,
  })
})

function wait(status: number, retryAfter?: string) {
  return judge({ status, apnsId: ID, retryAfter })
}

test('Retry-After in seconds is honoured, and too many requests wait minutes without it', () => {
  expect(wait(503, '30')).toMatchObject({ kind: 'later', after: 30_000 })
  expect(wait(503)).toMatchObject({ kind: 'later', after: undefined })
  expect(wait(503, 'soon')).toMatchObject({ kind: 'later', after: undefined })
  expect(wait(429)).toMatchObject({ kind: 'later', after: 300_000 })
})

test('a body that is not the JSON object of APNs gives no reason, except for a proxy’s text', () => {
  for (const body of ['', '[]', 'null', '"x"', '{"reason":7}']) {
    expect(readAnswer(502, new Headers(), body).reason).toBeUndefined()
  }
  expect(readAnswer(522, new Headers(), 'error code: 522\n').reason).toBe('error code: 522')
})
