import { expect, it } from 'vitest'
import { claimIdentity, type ClaimRequest } from '../../src/directory/devices/claim.ts'
import { ownerOf } from '../../src/directory/identities.ts'
import { env } from './server.ts'

function claim(fingerprint: string, device: string, terms: Partial<ClaimRequest> = {}) {
  const request = {
    fingerprint,
    device,
    authority: '',
    said: { udid: '', serial: '' },
    begins: true,
    mayAdopt: true,
    issuedBy: 0,
    ...terms,
  }
  return claimIdentity(env.DB, request, () => {})
}

it('claims of one batch have their own outcomes: one owner of each, and nothing for a refused one', async () => {
  const outcomes = await Promise.all([
    claim('shared', 'FIRST'),
    claim('shared', 'SECOND'),
    claim('removed', 'THIRD', { authority: 'no CA of ours' }),
    claim('own', 'FOURTH'),
  ])
  expect(outcomes).toMatchObject([
    { verdict: '', owner: 'FIRST' },
    { verdict: '', owner: 'FIRST' },
    { verdict: 'removed', owner: undefined },
    { verdict: '', owner: 'FOURTH' },
  ])
  expect(await ownerOf(env.DB, 'removed')).toBeUndefined()
})
