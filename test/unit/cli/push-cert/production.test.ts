import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { unstable_readConfig } from 'wrangler'
import { installInProduction } from '../../../../src/cli/push-cert/production.ts'
import { pushIdentity, type PushPair } from '../../../../src/cli/settings.ts'
import { simulatedPushCertificate } from '../../../../src/cli/state.ts'
import {
  readPushCertificateIn,
  withPushCertificate,
} from '../../../../src/cli/push-cert/wrangler-toml.ts'

const NOW = Date.now()
const projectDir = mkdtempSync(join(tmpdir(), 'edgemdm-production-'))
const toml = join(projectDir, 'wrangler.toml')
const committed = readFileSync(join(import.meta.dirname, '../../../../wrangler.toml'), 'utf8')
const IDS = ['11111111-2222-3333-4444-555555555555', '66666666-7777-8888-9999-000000000000']

/** Two pairs of different topics. */
const [first, other] = [0, 1].map(() => pushIdentity(simulatedPushCertificate(NOW), NOW)) as [
  PushPair,
  PushPair,
]

beforeEach(() => writeFileSync(toml, committed))
afterAll(() => rmSync(projectDir, { recursive: true }))

/** A wrangler that remembers what it was asked, and what it could read of the pair. */
function fakeWrangler(enrolled: string, failing = '') {
  const asked: string[] = []
  const uploaded: { certificate: string; key: string; mode: number }[] = []
  let count = 0
  const wrangler = async (args: readonly string[]): Promise<string> => {
    asked.push(args.slice(0, 2).join(' '))
    if (args[0] === failing) {
      throw new Error(`${failing} failed`)
    }
    const after = (flag: string): string => args[args.indexOf(flag) + 1] ?? ''
    if (args[0] === 'mtls-certificate') {
      uploaded.push({
        certificate: readFileSync(after('--cert'), 'utf8'),
        key: readFileSync(after('--key'), 'utf8'),
        mode: statSync(after('--key')).mode & 0o777,
      })
      return `Uploading mTLS Certificate ${after('--name')}...\nSuccess! Uploaded\nID: ${IDS[count++]}\nIssuer: CN=x\n`
    }
    return args[0] === 'd1' ? enrolled : ''
  }
  return { asked, uploaded, wrangler }
}

const enrolledIs = (count: number) => JSON.stringify([{ results: [{ enrolled: count }] }], null, 2)
const install = (push: PushPair, fake: ReturnType<typeof fakeWrangler>, force = false) =>
  installInProduction({ projectDir, folder: projectDir, push, force, wrangler: fake.wrangler })

/** What wrangler itself understands of the file. */
function understood() {
  const config = unstable_readConfig({ config: toml }, { hideWarnings: true })
  return { bound: config.mtls_certificates, vars: config.vars, queues: config.queues.producers }
}

describe('installing in production', () => {
  it('uploads the pair, binds it, gives the Worker its certificate and deploys, in this order', async () => {
    const fake = fakeWrangler(enrolledIs(0))
    expect(await install(first, fake)).toEqual({ certificateId: IDS[0], previousId: undefined })
    expect(fake.asked).toEqual(['d1 execute', 'mtls-certificate upload', 'deploy'])
    expect(fake.uploaded).toEqual([{ certificate: first.certificate, key: first.key, mode: 0o600 }])
    expect(understood()).toMatchObject({
      bound: [{ binding: 'APNS', certificate_id: IDS[0] }],
      vars: { PUSH_CERTIFICATE: first.certificate },
      queues: [{ binding: 'EVENTS' }],
    })
    for (const name of ['upload.pem', 'upload.key']) {
      expect(existsSync(join(projectDir, name))).toBe(false)
    }
    expect(readFileSync(toml, 'utf8')).toContain('# From 2026-08-04 on')
  })

  it('renews without asking for devices, replaces both places, and names the certificate that is over', async () => {
    writeFileSync(toml, withPushCertificate(committed, { certificateId: 'old', ...other }))
    const fake = fakeWrangler('nothing that can be read')
    expect(await install(other, fake)).toEqual({ certificateId: 'old', previousId: undefined })
    expect(fake.asked).toEqual(['deploy'])
    const renewed = { ...other, certificate: `${other.certificate}\n` }
    expect(await install(renewed, fake)).toEqual({ certificateId: IDS[0], previousId: 'old' })
    expect(understood()).toMatchObject({
      bound: [{ certificate_id: IDS[0] }],
      vars: { PUSH_CERTIFICATE: renewed.certificate },
    })
  })

  it.each([
    [
      'another topic than that of enrolled devices',
      enrolledIs(7),
      /7 devices are enrolled with.*every device has to enrol again/,
    ],
    ['another topic when the count is unknown', 'no such table', /cannot tell how many devices/],
  ])('refuses %s before anything is uploaded, unless forced', async (_, enrolled, message) => {
    const bound = withPushCertificate(committed, { certificateId: 'old', ...other })
    writeFileSync(toml, bound)
    const fake = fakeWrangler(enrolled)
    await expect(install(first, fake)).rejects.toThrow(message)
    expect(fake.asked).toEqual(['d1 execute'])
    expect(readFileSync(toml, 'utf8')).toBe(bound)
    expect(await install(first, fake, true)).toMatchObject({ previousId: 'old' })
  })

  it('refuses too when devices are enrolled and their topic is unknown', async () => {
    await expect(install(first, fakeWrangler(enrolledIs(2)))).rejects.toThrow(
      '2 devices are enrolled',
    )
  })

  it('leaves no key behind and no binding when the upload fails', async () => {
    const fake = fakeWrangler(enrolledIs(0), 'mtls-certificate')
    await expect(install(first, fake)).rejects.toThrow('mtls-certificate failed')
    expect(existsSync(join(projectDir, 'upload.key'))).toBe(false)
    expect(readFileSync(toml, 'utf8')).toBe(committed)
  })

  it('run again after a failed deploy, only deploys', async () => {
    await expect(install(first, fakeWrangler(enrolledIs(0), 'deploy'))).rejects.toThrow()
    const again = fakeWrangler(enrolledIs(0))
    await install(first, again)
    expect(again.asked).toEqual(['deploy'])
  })
})

describe('wrangler.toml', () => {
  const bound = { certificateId: 'new', certificate: 'A\nB' }
  const bind = (before: string) => withPushCertificate(before, bound)
  const line = 'mtls_certificates = [{ binding = "APNS", certificate_id = "old" }] # mine\n'

  it.each([
    ['nothing', ''],
    ['keys alone', 'name = "x"\nvars.OTHER = "1"'],
    [
      'an older certificate',
      `${line}vars.PUSH_CERTIFICATE = "x\\ny" # last year’s\nvars.OTHER = "1"`,
    ],
    [
      'a table behind the keys',
      'name = "x"\n\n[[routes]]\npattern = "a.b"\ncustom_domain = true\n',
    ],
    ['vars of others', '[vars]\nOTHER = "1"\n\n[observability]\nenabled = true\n'],
    ['an older certificate in tables', '[vars]\nPUSH_CERTIFICATE = "x\\ny"\nOTHER = "1"'],
    [
      'other mTLS certificates',
      '[[mtls_certificates]]\nbinding = "OTHER"\ncertificate_id = "o"\n[[mtls_certificates]]\ncertificate_id = \'old\' # mine\nbinding = "APNS"\n',
    ],
  ])('with %s gets the certificate once, and the rest stays', (_, before) => {
    const after = bind(before)
    expect(readPushCertificateIn(after)).toEqual(bound)
    expect(bind(after)).toBe(after)
    for (const text of ['PUSH_CERTIFICATE', 'binding = "APNS"']) {
      expect(after.split(text)).toHaveLength(2)
    }
    for (const kept of ['OTHER = "1"', '[observability]', 'certificate_id = "o"', '[[routes]]']) {
      expect(after.includes(kept)).toBe(before.includes(kept))
    }
    writeFileSync(toml, after)
    expect(understood()).toMatchObject({
      bound: expect.arrayContaining([{ binding: 'APNS', certificate_id: 'new' }]),
      vars: {
        PUSH_CERTIFICATE: bound.certificate,
        ...(before.includes('OTHER = "1"') ? { OTHER: '1' } : {}),
      },
    })
  })

  it.each([
    ['whose certificate spans lines', '[vars]\nPUSH_CERTIFICATE = """\nx\n"""\n', 'on one line'],
    ['with vars in one line', 'vars = { OTHER = "1" }\n', 'remove the line `vars = …`'],
    ['with other bindings in one line', 'mtls_certificates = []\n', '`mtls_certificates = …`'],
  ])('%s is refused instead of broken', (_, text, message) => {
    expect(() => ({ ...readPushCertificateIn(text), text: bind(text) })).toThrow(message)
  })

  const page = readFileSync(join(import.meta.dirname, '../../../../docs/deploy.md'), 'utf8')
  const snippet = /```toml\n([^`]*)```/.exec(page)?.[1] ?? expect.fail('no snippet')

  it.each([
    ['as it is committed', (text: string) => text],
    ['with a push certificate', bind],
  ])('%s is read correctly with the lines that docs/deploy.md adds to its end', (_, prepared) => {
    const before = prepared(committed)
    const read = (text: string) => {
      writeFileSync(toml, text)
      return unstable_readConfig({ config: toml }, { hideWarnings: true })
    }
    const { vars, ...rest } = read(before)
    expect(read(`${before}${snippet}`)).toEqual({
      ...rest,
      routes: [{ pattern: 'mdm.example.com', custom_domain: true }],
      vars: { ...vars, PUBLIC_URL: 'https://mdm.example.com' },
    })
    expect(read(`${before}workers_dev = true\n`)).toEqual({ ...rest, vars, workers_dev: true })
  })
})
