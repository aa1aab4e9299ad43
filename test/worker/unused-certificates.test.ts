import { beforeAll, expect, it } from 'vitest'
import { readCertificate } from '../../src/pki/x509/certificate.ts'
import { downloadProfile } from '../../src/simulator/device/enrolment.ts'
import type { SimulatedIdentity } from '../../src/simulator/device/identity.ts'
import { api, newDevice } from './server.ts'
import {
  enrol,
  install,
  newAuthority,
  oneTimeChallenge,
  scepFetch,
  someKey,
} from './scep-client.ts'

beforeAll(() => install(newAuthority()))

const fingerprintOf = ({ certificate }: SimulatedIdentity): string =>
  readCertificate(certificate).fingerprint

async function drop(identity: SimulatedIdentity) {
  const path = `/api/certificates/${fingerprintOf(identity)}`
  const { status, body } = await api<{ code?: string }>('DELETE', path)
  return [status, body?.code]
}

it('a certificate that no device has used is dropped: no device can enrol with it, and its row is gone', async () => {
  const identity = await enrol({ challenge: await oneTimeChallenge(), key: someKey })
  expect(await drop(identity)).toEqual([204, undefined])
  expect((await newDevice({ identity }).enroll()).status).toBe(400)
  expect(await drop(identity)).toEqual([404, 'identity_not_found'])
})

it('the challenge of a dropped certificate of a download stays consumed', async () => {
  const { scep } = await downloadProfile(scepFetch, 'http://mdm.test/mdm/enroll')
  const identity = await enrol({ challenge: scep.challenge, key: someKey })
  expect(await drop(identity)).toEqual([204, undefined])
  expect((await newDevice({ identity }).enroll()).status).toBe(400)
  await expect(enrol({ challenge: scep.challenge })).rejects.toThrow('refused')
})

it('the certificate of a device is not dropped', async () => {
  const identity = await enrol({ challenge: await oneTimeChallenge(), key: someKey })
  const device = newDevice({ identity })
  expect((await device.enroll()).status).toBe(200)
  expect(await drop(identity)).toEqual([409, 'conflict'])
  expect(await device.poll()).toMatchObject({ ended: 'empty' })
})
