import { expect, it } from 'vitest'
import { readCertificate } from '../../src/pki/x509.ts'
import { enrol, enrolByProfile, install, newAuthority, rsaKey, scepFetch } from './scep-client.ts'
import { api, decide, events, listedAs, newDevice, until } from './server.ts'

it('a device joins, works, renews, outlives its CA, is wiped, comes back and leaves', async () => {
  const first = newAuthority()
  await install(first)

  // Enrol.
  const mac = await enrolByProfile()
  const { udid, serial } = mac
  const command = async (requestType: string) =>
    (await api('POST', '/v1/commands', { udid, request_type: requestType })).status
  const answered = () => mac.received.map(({ requestType }) => requestType)
  const issuer = () => readCertificate(mac.identity().certificate).issuer

  // Commands.
  expect(await command('SecurityInfo')).toBe(201)
  await mac.poll()
  expect(answered()).toEqual(['SecurityInfo'])

  // The identity is renewed by SCEP alone; what was queued and escrowed before is there after.
  await mac.setBootstrapToken(new Uint8Array([1, 2, 3]))
  expect(await command('ProfileList')).toBe(201)
  mac.useIdentity(await enrol({ renew: mac.identity(), key: rsaKey() }))
  expect(await mac.poll()).toMatchObject({ ended: 'empty', answered: 1 })
  expect(answered()).toEqual(['SecurityInfo', 'ProfileList'])
  expect((await mac.getBootstrapToken()).token).toEqual(new Uint8Array([1, 2, 3]))

  // The CA is rotated: the device goes on, and its next identity, by a pushed profile, is the new one's.
  const second = newAuthority()
  await install(second)
  expect(await command('DeviceInformation')).toBe(201)
  await mac.poll()
  expect(issuer()).toBe(first.certificate.subject)
  expect((await api('POST', `/api/devices/${udid}/renew`)).status).toBe(200)
  expect(await command('CertificateList')).toBe(201)
  await mac.poll()
  expect(answered().slice(2)).toEqual(['DeviceInformation', 'InstallProfile', 'CertificateList'])
  expect(issuer()).toBe(second.certificate.subject)
  expect((await api('DELETE', `/api/ca/${first.certificate.keyId}`)).status).toBe(200)
  expect((await mac.connect({ Status: 'Idle' })).status).toBe(200)

  // Wiped and enrolled anew with a fresh key: old commands and tokens are no longer the device's.
  expect(await command('EraseDevice')).toBe(201)
  expect(await command('RestartDevice')).toBe(201)
  const wiped = await enrolByProfile({ udid, serial, scep: { fetch: scepFetch, key: rsaKey() } })
  expect(await wiped.poll()).toMatchObject({ ended: 'empty', answered: 0 })
  expect((await wiped.getBootstrapToken()).token).toEqual(new Uint8Array())
  await decide('new', wiped)
  const ghost = newDevice({ udid, serial, identity: mac.identity() })
  expect((await ghost.connect({ Status: 'Idle' })).status).toBe(503)

  // Check-out.
  expect((await wiped.checkOut()).status).toBe(200)
  await listedAs(wiped, 'checked_out')
  const told = await until(
    () => events(udid, 1),
    (all) => all.at(-1)?.topic === 'mdm.CheckOut',
  )
  const sequences = told.map(({ sequence }) => sequence)
  expect(sequences).toEqual([...new Set(sequences)].toSorted((one, other) => one - other))
  expect(
    told
      .filter(({ topic }) => topic === 'mdm.Authenticate')
      .map(({ checkin_event: event }) => event?.['renewal']),
  ).toEqual([undefined, true, undefined])
})
