import { describe, expect, it } from 'vitest'
import { readDoctorOrder } from '../../../../src/cli/doctor/arguments.ts'

const read = (args: readonly string[], env: Record<string, string> = {}) =>
  readDoctorOrder(args, env, [1, 4, 7])

describe('--server', () => {
  it.each([
    ['mdm.example.com', 'the scheme is missing: write https://mdm.example.com'],
    ['http://mdm.example.com', 'devices and keys need https: write https://mdm.example.com'],
    ['http://192.168.1.5:8787', 'devices and keys need https: write https://192.168.1.5:8787'],
    ['ftp://mdm.example.com', 'not an http or https URL'],
    ['https://', 'not an http or https URL'],
    ['https://mdm.example.com/mdm', 'more than a server: write https://mdm.example.com'],
    [
      'https://micromdm:k@mdm.example.com',
      'write https://mdm.example.com, and give the key with --key',
    ],
  ])('%s is refused with one sentence', (server, sentence) => {
    expect(() => read(['--server', server])).toThrow(sentence)
  })

  it.each([
    ['https://MDM.example.com/', 'https://mdm.example.com', false],
    ['https://localhost:8443', 'https://localhost:8443', false],
    ['http://127.0.0.1:8787', 'http://127.0.0.1:8787', true],
    ['http://localhost:8787', 'http://localhost:8787', true],
    ['http://[::1]:8787/', 'http://[::1]:8787', true],
  ])('%s is %s', (server, url, isLocal) => {
    expect(read(['--server', server])).toMatchObject({ url, isLocal })
  })

  it('is the server of npm start by default', () => {
    expect(read([])).toMatchObject({ url: 'http://127.0.0.1:8787', isLocal: true })
  })
})

it('a password in the URL is not repeated', () => {
  expect(() => read(['--server', 'https://micromdm:hush@mdm.example.com'])).not.toThrow('hush')
})

it('--only takes numbers of checks, and refuses others', () => {
  expect(read(['--only', '4,7'])).toMatchObject({ only: [4, 7] })
  expect(read([])).toMatchObject({ only: undefined })
  for (const numbers of ['4,5', 'x', '4,', '4.0']) {
    expect(() => read(['--only', numbers])).toThrow('there is no check')
  }
})

it('the key comes from --key or --api-key, or from API_KEY', () => {
  expect(read([], { API_KEY: 'of the environment' })).toMatchObject({ key: 'of the environment' })
  expect(read(['--key', 'own'], { API_KEY: 'other' })).toMatchObject({ key: 'own' })
  expect(read(['--api-key', 'own'], { API_KEY: 'other' })).toMatchObject({ key: 'own' })
  expect(read(['--api-key', 'own'])).not.toHaveProperty('api-key')
  expect(read([], { API_KEY: '' })).toMatchObject({ key: undefined })
})

it('flags that npm has kept are named with the right command line', () => {
  expect(() => read(['4'], { npm_config_only: 'true' })).toThrow('npm run doctor -- --only')
})
