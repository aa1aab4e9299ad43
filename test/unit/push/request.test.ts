import { expect, test } from 'vitest'
import { defaultExpiration, pushRequest } from '../../../src/push/request.ts'
import { isPushToken } from '../../../src/mdm/push-values.ts'

test('a push has the headers that wake a device at once, and a body with only the magic', () => {
  const request = pushRequest({
    token: Uint8Array.from({ length: 32 }, (_, index) => index),
    magic: 'MAGIC "quoted"',
    topic: 'com.apple.mgmt.External.1',
    expiration: 1_700_000_000,
    id: 'AN-ID',
  })
  expect(request.path).toBe(
    '/3/device/000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f',
  )
  expect(request.headers).toEqual({
    'content-type': 'application/json',
    'apns-topic': 'com.apple.mgmt.External.1',
    'apns-push-type': 'mdm',
    'apns-priority': '10',
    'apns-expiration': '1700000000',
    'apns-id': 'AN-ID',
  })
  expect(JSON.parse(request.body)).toEqual({ mdm: 'MAGIC "quoted"' })
})

test('a token given in hex is written in lower case', () => {
  const { path } = pushRequest({ token: 'AABB', magic: 'm', topic: 't', expiration: 0, id: 'i' })
  expect(path).toBe('/3/device/aabb')
})

test('a push is kept for seven days by default', () => {
  expect(defaultExpiration(1_700_000_000_999)).toBe(1_700_000_000 + 7 * 86_400)
})

test('a token of less than 32 bytes is not valid', () => {
  expect([31, 32, 33].map((length) => isPushToken(new Uint8Array(length)))).toEqual([
    false,
    true,
    true,
  ])
})
