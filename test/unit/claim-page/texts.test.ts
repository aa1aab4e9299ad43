import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { hintOf, recoveryFile, sentenceOf } from '../../../src/claim-page/texts.ts'
import { readSecrets } from '../../../src/cli/deploy/inputs/secrets.ts'

const KEYS = {
  api_key: 'emk_3fKq81ZtYw_0000000000000000000000000000000000000Q',
  seal_keys: `k1:${'q'.repeat(43)}=`,
  url: 'https://mdm.example.com:8443',
}
const NOW = new Date('2026-11-29T22:00:00Z')

it('npm run deploy reads the keys of a recovery file', () => {
  const folder = mkdtempSync(join(tmpdir(), 'edgemdm-recovery-'))
  const { name, text } = recoveryFile(KEYS, NOW)
  const file = join(folder, name)
  writeFileSync(file, text)
  expect(readSecrets(file)).toEqual({ API_KEY: KEYS.api_key, SEAL_KEYS: KEYS.seal_keys })
  rmSync(folder, { recursive: true })
})

it('a recovery file has a name that every system takes, and says server and day', () => {
  const { name, text } = recoveryFile(KEYS, NOW)
  expect(name).toBe('edgemdm-recovery-mdm.example.com-8443-2026-11-29.txt')
  expect(text).toContain(KEYS.url)
  expect(text).toContain('2026-11-29')
})

const fault = (status: number, code = '', detail = '') => ({ status, code, detail })

it.each([
  ['no answer', fault(0), /does not answer.*try again.*same code shows the same keys/],
  ['a wrong code', fault(400, 'wrong_setup_code', 'x'), /not the setup code.*Enter it again/],
  ['many wrong codes', fault(429, 'too_many_wrong_codes', 'x'), /Wait a minute/],
  ['a server with an owner', fault(409, 'already_claimed', 'x'), /recovery file/],
  [
    'no good setup code',
    fault(503, 'no_setup_code', 'x'),
    /code that it accepts: .*SETUP_CODE in the dashboard.*wrangler/,
  ],
  ['a login in front', fault(302), /login is in front.*remove it/],
  ['another refusal', fault(503, 'unavailable', 'D1 sleeps'), /D1 sleeps/],
])('after %s, the page says what to do', (_, said, words) => {
  expect(sentenceOf(said)).toMatch(words)
})

it('a hint is there only for a server without a good setup code', () => {
  expect(hintOf('set')).toBe('')
  expect(hintOf('missing')).toMatch(/no setup code yet: .*SETUP_CODE/)
  expect(hintOf('weak')).toMatch(/too easy to guess: .*20 random characters/)
})
