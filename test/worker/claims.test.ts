import { expect, it } from 'vitest'
import { claimIdentity, type ClaimRequest } from '../../src/directory/devices/claim.ts'
import { ownerOf } from '../../src/directory/identities.ts'
import { NO_FACTS } from '../../src/mdm/message.ts'
import { env } from './server.ts'

function claim(fingerprint: string, device: string, terms: Partial<ClaimRequest> = {}) {
  const request: ClaimRequest = {
    row: {
      id: device,
      type: 'Device',
      enrolled: false,
      hidden: false,
      claimedAt: 1,
      serialProven: false,
      lastSeen: 1,
      facts: { ...NO_FACTS, SerialNumber: `of ${fingerprint}` },
      identity: fingerprint,
      identityNotAfter: 2,
      renewal: { state: '', reason: '', at: 0 },
      state: 'authenticated',
      push: 'none',
      version: 0,
    },
    authority: '',
    said: { udid: '', serial: '' },
    begins: true,
    mayAdopt: true,
    isUnproven: false,
    issuedBy: 0,
    ...terms,
  }
  return claimIdentity(env.DB, request, () => {})
}

const serialOf = (device: string) =>
  env.DB.prepare('SELECT serial_number FROM devices WHERE id = ?')
    .bind(device)
    .first<string>('serial_number')

it('claims of one batch have their own outcomes: one owner of each, and nothing for a refused one', async () => {
  const outcomes = await Promise.all([
    claim('shared', 'FIRST'),
    claim('shared', 'SECOND'),
    claim('removed', 'THIRD', { authority: 'no CA of ours' }),
    claim('own', 'FOURTH'),
    claim('new', 'FOURTH'),
  ])
  expect(outcomes).toMatchObject([
    { verdict: '', owner: 'FIRST', isListed: true },
    { verdict: '', owner: 'FIRST', isListed: false },
    { verdict: 'removed', owner: undefined, isListed: false },
    { verdict: '', owner: 'FOURTH', isListed: true },
    { verdict: '', owner: 'FOURTH', isListed: false },
  ])
  expect(await ownerOf(env.DB, 'removed')).toBeUndefined()
  const devices = ['FIRST', 'SECOND', 'THIRD', 'FOURTH']
  expect(await Promise.all(devices.map(serialOf))).toEqual(['of shared', null, null, 'of own'])
})

it('a claim lists a device once, and a refused claim of its own certificate lists nothing', async () => {
  expect(await claim('again', 'FIFTH')).toMatchObject({ isListed: true })
  expect(await claim('again', 'FIFTH')).toMatchObject({ verdict: '', isListed: false })
  await env.DB.prepare('DELETE FROM devices WHERE id = ?').bind('FIFTH').run()
  await env.DB.prepare(
    `INSERT INTO certificates (fingerprint, authority, serial, subject, issued_at, not_after, der, bound_udid)
      VALUES ('again', '', '', '', 0, 0, x'', 'another')`,
  ).run()
  expect(await claim('again', 'FIFTH')).toMatchObject({ verdict: 'udid', isListed: false })
  expect(await serialOf('FIFTH')).toBeNull()
})
