import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import {
  chooseSecrets,
  makeSecrets,
  readSecrets,
  type SecretFacts,
} from '../../../../src/cli/deploy/inputs/secrets.ts'

const folder = mkdtempSync(join(tmpdir(), 'edgemdm-secrets-'))
afterAll(() => rmSync(folder, { recursive: true }))

const BOTH = ['API_KEY', 'SEAL_KEYS']
const [mine, other] = [makeSecrets(), makeSecrets()]
const FACTS: SecretFacts = {
  present: [],
  hasData: false,
  server: 'absent',
  stored: undefined,
  given: undefined,
  ci: undefined,
  file: 'secrets.json',
}
const choose = (facts: Partial<SecretFacts>) => chooseSecrets({ ...FACTS, ...facts }, () => mine)

describe('keys', () => {
  it('are made for a first deploy alone', () => {
    expect(choose({})).toMatchObject({ known: mine, upload: mine, keep: true, from: 'made' })
    expect(makeSecrets()).not.toEqual(makeSecrets())
  })

  it('are never made for a server that has keys, or for data that keys have sealed', () => {
    const stop = { exit: 3, remedy: expect.stringContaining('--secrets FILE') }
    expect(() => choose({ present: BOTH })).toThrow(expect.objectContaining(stop))
    expect(() => choose({ hasData: true })).toThrow(expect.objectContaining(stop))
  })

  it('that are kept are set again only where the Worker has none', () => {
    expect(choose({ stored: mine, present: BOTH, hasData: true })).toMatchObject({
      upload: {},
      keep: false,
    })
    expect(choose({ stored: mine, present: ['API_KEY'] })).toMatchObject({
      upload: mine,
      from: 'kept',
    })
    expect(choose({ given: other, present: BOTH })).toMatchObject({
      upload: {},
      keep: true,
      from: 'given',
    })
  })

  it('that contradict each other, are empty or cannot seal are refused', () => {
    expect(() => choose({ stored: mine, given: other })).toThrow('another API_KEY')
    expect(() => choose({ given: { ...mine, API_KEY: ' ' } })).toThrow('API_KEY is empty')
    expect(() => choose({ ci: { ...mine, SEAL_KEYS: '' } })).toThrow('SEAL_KEYS is empty')
    expect(() => choose({ given: { ...mine, SEAL_KEYS: 'k1:short' } })).toThrow('32 bytes')
  })

  it('of CI are those of its environment, and none is made there', () => {
    expect(choose({ ci: mine, stored: other })).toMatchObject({ upload: mine, keep: false })
    expect(choose({ ci: {}, present: BOTH })).toMatchObject({ known: {}, upload: {} })
    const half = { exit: 2, message: expect.stringContaining('no SEAL_KEYS') }
    expect(() => choose({ ci: { API_KEY: 'key' } })).toThrow(expect.objectContaining(half))
    expect(() => choose({ ci: {}, present: ['API_KEY'] })).toThrow(expect.objectContaining(half))
  })

  it('that CI does not have are made by the first page of the server, for its setup code', () => {
    const SETUP_CODE = 'correct horse battery staple'
    expect(choose({ ci: {} })).toMatchObject({ waits: true, known: {}, upload: {} })
    expect(choose({ ci: { SETUP_CODE: '' } })).toMatchObject({ waits: true, upload: {} })
    expect(choose({ ci: { SETUP_CODE } })).toMatchObject({
      waits: true,
      upload: { SETUP_CODE },
      from: 'environment',
    })
    for (const weak of ['too short', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa']) {
      expect(() => choose({ ci: { SETUP_CODE: weak } })).toThrow('SETUP_CODE has fewer than')
    }
    // A server with an owner takes no code.
    expect(choose({ ci: { ...mine, SETUP_CODE } })).toMatchObject({ waits: false, upload: mine })
    const claimed = choose({ ci: { SETUP_CODE }, server: 'claimed', hasData: true })
    expect(claimed).toMatchObject({ waits: false, upload: {} })
  })

  it('of a server that its page has claimed are not needed here, and made while it is unclaimed', () => {
    expect(choose({ server: 'claimed', hasData: true })).toMatchObject({ known: {}, upload: {} })
    expect(choose({ server: 'unclaimed', hasData: true })).toMatchObject({
      upload: mine,
      keep: true,
    })
    expect(() => choose({ server: 'unknown', hasData: true })).toThrow('other keys have sealed')
  })
})

describe('a file of secrets', () => {
  const file = join(folder, 'file')
  const read = (text: string) => (writeFileSync(file, text), readSecrets(file))

  it('is JSON or lines, and other names are left out', () => {
    expect(read('{"API_KEY":"a","SEAL_KEYS":"k1:x=","OTHER":"z"}')).toEqual({
      API_KEY: 'a',
      SEAL_KEYS: 'k1:x=',
    })
    expect(read('# comment\nAPI_KEY="a b"\n SEAL_KEYS = k1:x=\nOTHER=z\n')).toEqual({
      API_KEY: 'a b',
      SEAL_KEYS: 'k1:x=',
    })
    expect(readSecrets(join(folder, 'none'))).toBeUndefined()
  })

  it('that cannot be read is not quoted', () => {
    expect(() => read('{"API_KEY":"the secret')).toThrow(/: it is no JSON$/)
  })
})
