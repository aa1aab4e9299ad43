import { expect, it } from 'vitest'
import { readCertificate } from '../../src/pki/x509/certificate.ts'
import { clock } from './clock.ts'
import {
  base64,
  deviceItem,
  deviceThere,
  fingerprintOf,
  moved,
  recordOf,
  staged,
  activated,
  authorityItem,
  otherCA,
} from './move-tools.ts'
import { renew, renewalOf, set } from './renewal-client.ts'
import { enrol, install, newAuthority, rsaKey, scepFetch } from './scep-client.ts'
import { api, newDevice } from './server.ts'
import { createIdentity } from '../../src/simulator/device/identity.ts'

const own = newAuthority()
await install(own)

/** With an RSA key, because SCEP encrypts to it. */
const rsaDevice = () =>
  deviceThere({
    identity: createIdentity({
      ca: otherCA,
      commonName: 'MicroMDM Identity',
      key: rsaKey(),
      now: new Date(clock.now()),
    }),
    scep: { fetch: scepFetch },
  })

it('a moved device renews onto this server’s CA by its profile, and keeps its queue', async () => {
  const device = rsaDevice()
  await moved(recordOf(device))
  expect((await renew(device)).body.detail).toMatch(/not known which enrolment profile/)
  await device.poll()
  await set({ unknown_profiles: 'default' })
  expect((await renew(device)).status).toBe(200)
  await device.poll()
  expect(await renewalOf(device, 'renewed')).toMatchObject({ device_id: device.udid })
  const { items } = (
    await api<{ items: { proof: string; state: string }[] }>(
      'GET',
      `/api/devices/${device.udid}/identities`,
    )
  ).body
  expect(items).toMatchObject([{ proof: 'moved' }, { proof: 'renewal', state: 'current' }])
  const leaf = readCertificate(device.identity().certificate)
  expect(leaf.issuer).toBe(own.certificate.subject)
  await set({ unknown_profiles: null })
})

it('a moved certificate renews by SCEP alone, as one that was issued here', async () => {
  const device = rsaDevice()
  const certificate = {
    kind: 'certificate',
    id: fingerprintOf(device),
    data: base64(device.identity().certificate),
  }
  await activated(await staged([authorityItem, certificate, deviceItem(recordOf(device))]))
  await device.poll()
  const next = await enrol({ renew: device.identity() })
  device.useIdentity(next)
  expect(await device.poll()).toMatchObject({ ended: 'empty' })
})

it('an open challenge of the other server is good for a day, and proves nothing for a known id', async () => {
  const device = deviceThere()
  const challenge = (text: string) => ({
    kind: 'challenge',
    id: text,
    data: Buffer.from(text).toString('base64'),
  })
  await activated(
    await staged([
      authorityItem,
      challenge('OPEN-1'),
      challenge('OPEN-2'),
      deviceItem(recordOf(device)),
    ]),
  )
  const identity = await enrol({ challenge: 'OPEN-1' })
  const fresh = newDevice({ identity })
  expect((await fresh.enroll()).status).toBe(200)
  const other = newDevice({
    udid: device.udid,
    serial: device.serial,
    identity: await enrol({ challenge: 'OPEN-2' }),
  })
  await other.enroll()
  const { contest } = (await api<{ contest: object | null }>('GET', `/api/devices/${device.udid}`))
    .body
  expect(contest).not.toBeNull()
  await expect(enrol({ challenge: 'OPEN-1' })).rejects.toThrow()
})
