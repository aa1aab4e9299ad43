import { createHmac } from 'node:crypto'
import { expect, it } from 'vitest'
import { signature } from '../../../src/webhooks/sign.ts'

const DAY = 86_400_000
/** The example of the Standard Webhooks specification. */
const WHSEC = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'
const ID = 'msg_p5jXN8AQM9LWM0D4loKWxJek'
const NOW = 1_614_265_330_000

it('posts are signed as by Standard Webhooks and by NanoMDM', () => {
  const secrets = [{ secret: WHSEC, since: 0, until: 0 }]
  const body = '{"test": 2432232314}'
  expect(signature({ secrets }, ID, body, NOW)).toEqual({
    'webhook-id': ID,
    'webhook-timestamp': '1614265330',
    'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    'x-hmac-signature': createHmac('sha256', WHSEC).update(body).digest('base64'),
  })
})

it('posts are signed with a secret and its successor until the first secret ends', () => {
  const secrets = [
    { secret: 'whsec_AAAA', since: NOW, until: 0 },
    { secret: WHSEC, since: 0, until: NOW + DAY },
  ]
  const count = (now: number) =>
    signature({ secrets }, ID, 'x', now)['webhook-signature']?.split(' ').length
  expect(count(NOW)).toBe(2)
  expect(count(NOW + DAY)).toBe(1)
})

it('a secret may be any text, as in NanoMDM, and without a secret posts have no signature', () => {
  const secrets = [{ secret: 'open sesame', since: 0, until: 0 }]
  expect(signature({ secrets }, ID, 'x', NOW)).toMatchObject({
    'x-hmac-signature': createHmac('sha256', 'open sesame').update('x').digest('base64'),
  })
  expect(signature({ secrets }, ID, 'x', NOW)).not.toHaveProperty('webhook-signature')
  expect(signature({ secrets: [] }, ID, 'x', NOW)).toEqual({})
})
