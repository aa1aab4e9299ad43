import { expect, it } from 'vitest'
import { keepMovedClaims } from '../../src/directory/devices/users.ts'
import type { MovedChannel } from '../../src/migration/moved.ts'
import { clock } from './clock.ts'
import {
  activated,
  authorityItem,
  base64,
  deviceThere,
  moved,
  recordOf,
  staged,
} from './move-tools.ts'
import { enrol } from './scep-client.ts'
import { api, env, TOPIC } from './server.ts'

const DAY = 86_400_000

const challengeItem = (text: string) => ({
  kind: 'challenge',
  id: text,
  data: Buffer.from(text).toString('base64'),
})

it('an item that could not be applied, or that opens enrolment to all, is refused', async () => {
  const id = await staged([authorityItem])
  const put = async (item: object) =>
    (await api('PUT', `/api/moves/${id}/items`, { items: [item] })).status
  expect(await put({ kind: 'profile', id: 'half \uD800', data: '' })).toBe(400)
  expect(await put({ kind: 'challenge', id: 'empty', data: '' })).toBe(400)
})

it('open challenges end a day after the activation, and not after a job that is late', async () => {
  const id = await staged([authorityItem, challengeItem('LATE')])
  await env.DB.prepare("UPDATE moves SET state = 'activating', activated_at = ? WHERE id = ?")
    .bind(clock.now() - DAY, id)
    .run()
  await activated(id)
  await expect(enrol({ challenge: 'LATE' })).rejects.toThrow()
})

it('a challenge that was used here stays used when a later copy brings it again', async () => {
  await activated(await staged([authorityItem, challengeItem('AGAIN')]))
  await enrol({ challenge: 'AGAIN' })
  await activated(await staged([authorityItem, challengeItem('AGAIN')]))
  await expect(enrol({ challenge: 'AGAIN' })).rejects.toThrow()
})

it('the claims of many users with long names fit into the parameters of D1', async () => {
  const lengths: number[] = []
  const db = new Proxy(env.DB, {
    get: (target, key) =>
      key === 'prepare'
        ? (text: string) => ({
            bind: (...values: string[]) => {
              lengths.push(...values.map((value) => Buffer.byteLength(value)))
              return target.prepare(text).bind(...values)
            },
          })
        : Reflect.get(target, key).bind(target),
  })
  const claims = Array.from({ length: 8000 }, (_, n) => ({
    id: `${n} ${'\u{1F600}'.repeat(125)}`,
    device: 'x'.repeat(250),
    version: n,
  }))
  await keepMovedClaims(db, claims)
  expect(Math.max(...lengths)).toBeLessThan(2_000_000)
  const { n } = (await env.DB.prepare('SELECT count(*) AS n FROM users WHERE device = ?')
    .bind('x'.repeat(250))
    .first<{ n: number }>()) ?? { n: 0 }
  expect(n).toBe(claims.length)
})

it('a moved device whose id admins used for a user is held apart, as one that enrols', async () => {
  const [host, user] = [deviceThere(), crypto.randomUUID().toUpperCase()]
  const own = recordOf(host)
  const channel: MovedChannel = {
    user,
    token: base64(new Uint8Array(32)),
    magic: 'MAGIC',
    topic: TOPIC,
  }
  await moved({ ...own, channels: [...own.channels, channel] })
  const queue = () =>
    api('POST', `/api/devices/${user}/commands`, { request_type: 'InstalledApplicationList' })
  expect((await queue()).status).toBe(202)
  const device = deviceThere({ udid: user })
  await moved(recordOf(device))
  expect((await queue()).status).toBe(409)
  expect(await device.poll()).toMatchObject({ ended: 'empty' })
  await api('POST', `/api/devices/${user}/commands/release`)
  expect((await queue()).status).toBe(202)
  await device.poll()
  expect(device.received).toHaveLength(1)
})
