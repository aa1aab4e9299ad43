import { expect, it } from 'vitest'
import { readConfig } from '../../../src/config/config.ts'
import type { ScepSettings } from '../../../src/config/enrollment.ts'

const DAY = 86_400_000

function scep(vars: Record<string, string>): ScepSettings | readonly string[] {
  const required = { API_KEY: 'key', SEAL_KEYS: Buffer.alloc(32, 'a key').toString('base64') }
  const result = readConfig({ ...required, ...vars })
  return result.ok ? result.config.scep : result.problems
}

it('identities are valid for a year, and no setting chooses the challenges, by default', () => {
  expect(scep({})).toEqual({
    dynamicChallenge: undefined,
    challenge: 'micromdm',
    challengeLifetime: DAY,
    clientValidity: 365 * DAY,
    rate: 60,
  })
  expect(scep({ SCEP_CHALLENGE: 'word', SCEP_CHALLENGE_LIFETIME: '1h' })).toMatchObject({
    dynamicChallenge: false,
    challenge: 'word',
    challengeLifetime: DAY / 24,
  })
})

it('MicroMDM’s names for SCEP settings work', () => {
  const vars = { MICROMDM_SCEP_CLIENT_VALIDITY: '30', MICROMDM_USE_DYNAMIC_CHALLENGE: 'true' }
  expect(scep(vars)).toMatchObject({ dynamicChallenge: true, clientValidity: 30 * DAY })
  expect(scep({ ...vars, SCEP_CHALLENGE: 'word' })).toMatchObject({ dynamicChallenge: true })
})

it('a setting limits the certificates a minute that anyone can get', () => {
  expect(scep({ SCEP_RATE: '5' })).toMatchObject({ rate: 5 })
  expect(scep({ SCEP_RATE: 'all' })).toEqual(['SCEP_RATE: not a whole number from 1 to 9999999'])
})

it('a validity that is not a number of days is refused by name', () => {
  expect(scep({ SCEP_CLIENT_VALIDITY: '1y' })).toEqual([
    'SCEP_CLIENT_VALIDITY: not a number of days, such as 365',
  ])
})
