/** From nothing to a push certificate in use, and to its renewal, as docs/push-certificate.md says. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { keepInstalled } from '../../src/cli/push-cert/installed.ts'
import { readPushPair } from '../../src/cli/push-cert/pair.ts'
import { installInProduction } from '../../src/cli/push-cert/production.ts'
import { serving, type Said } from '../unit/cli/move/http.ts'
import {
  derOf,
  mailed,
  newVendor,
  orderIn,
  pushCertificateOf,
} from '../unit/cli/push-cert/vendor.ts'
import { openOpenssl } from '../unit/pki/openssl.ts'
import { newState } from './server.ts'

const CLI = join(import.meta.dirname, '../../src/cli/push-cert/push-cert.ts')
const TOPIC = 'com.apple.mgmt.External.11111111-2222-4333-8444-555555555555'
const openssl = openOpenssl()
let state = ''
let folder = ''

beforeAll(async () => {
  state = await newState()
  mkdirSync(state, { recursive: true, mode: 0o700 })
  folder = join(state, 'push-cert')
})
afterAll(openssl.cleanUp)

/** Runs `npm run push-cert`. @returns what it printed, its end first */
async function pushCert(args: readonly string[], env: Record<string, string> = {}) {
  const child = spawn(process.execPath, [CLI, ...args, '--state', state], {
    env: { ...process.env, MDMCERT_KEY: '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const [out, failure, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close'),
  ])
  return `${code}: ${out}${failure}`
}

/** The signing service: what it is sent it signs, and mails for the exchange certificate. */
async function service(vendor = newVendor()) {
  const mails: string[] = []
  const url = await serving(({ body }): Said => {
    const { csr, encrypt, email, key } = orderIn(body)
    if (key !== 'our-key') {
      return { status: 200, body: { result: 'failure', reason: 'unknown client key' } }
    }
    expect(email).toBe('it@example.com')
    mails.push(mailed(openssl, vendor.signed({ csr: derOf(csr) }), encrypt))
    return { status: 200, body: { result: 'success' } }
  })
  const mail = (): string => openssl.file('mdm_signed_request.p7', mails.at(-1) ?? '')
  return { url, mail, env: { MDMCERT_KEY: 'our-key' } }
}

/** What Apple's portal makes of the file in the folder. */
const portal = (name: string, topic: string, days: number): string =>
  openssl.file(
    `${name}.pem`,
    pushCertificateOf(
      readFileSync(join(folder, 'PushCertificateRequest.plist'), 'latin1'),
      topic,
      days,
    ),
  )

/** Each line of an output stands in docs/push-certificate.md, but for its dates, hashes and places. */
function expectDocumented(output: string): void {
  const plain = (content: string): string =>
    content
      .replaceAll(` --state ${state}`, '')
      .replaceAll(state, '.edgemdm')
      .replaceAll(/127\.0\.0\.1:\d+/g, 'mdmcert.download')
      .replaceAll(/20\d\d-\d\d-\d\d/g, 'DATE')
      .replaceAll(/[0-9a-f]{64}/g, 'HASH')
  const page = plain(
    readFileSync(join(import.meta.dirname, '../../docs/push-certificate.md'), 'utf8'),
  )
  const documented = new Set(page.split('\n').map((line) => line.trim()))
  const lines = plain(output.replace(/^0: /, '')).trim().split('\n')
  expect(lines.filter((line) => !documented.has(line.trim()))).toEqual([])
}

it('a first certificate comes by request, mail, portal and install, and each step names the next', async () => {
  const { url, mail, env } = await service()
  const order = ['request', '--mdmcert-email', 'it@example.com', '--mdmcert-url', url]
  expect(await pushCert(['show'])).toMatch(
    /^0: In use +npm start pushes with a simulated certificate\nNext: make a request\..*request --mdmcert-email/s,
  )
  expect(await pushCert(order)).toMatch(
    /^1: push-cert: nothing was sent:.*MDMCERT_KEY.*vendor-csr/s,
  )
  expect(await pushCert(['show'])).toContain('waiting for the signature of a vendor, since')
  expect(await pushCert(order, { MDMCERT_KEY: 'other' })).toMatch(
    /^1: .*says: unknown client key\n$/,
  )
  expect(await pushCert(order, env)).toMatch(
    /^0: 127\.0\.0\.1:\d+ took the request, and mails the answer to it@example\.com\.\nNext: .*decrypt --file/s,
  )
  expect(await pushCert(['show'])).toMatch(
    /Pending +waiting for the mail of the signing service to it@example\.com, since \d.*decrypt --file/s,
  )
  const decrypted = await pushCert(['decrypt', '--file', mail()])
  expect(decrypted).toMatch(
    /^0: .*The vendor is MDM Vendor: Example\. Its certificate ends on 20\d\d-/s,
  )
  expectDocumented(decrypted)
  expect(await pushCert(['show'])).toContain('waiting for the certificate from Apple')

  const cert = portal('first', TOPIC, 30)
  const installed = await pushCert(['install', '--cert', cert])
  expect(installed).toContain(`npm start will push with this certificate. Topic ${TOPIC}`)
  expect(installed).toContain(`note --account ADDRESS --state ${state}`)
  expect(await pushCert(['note', '--account', 'mdm@example.com'])).toContain('mdm@example.com')
  const shown = await pushCert(['show'])
  expect(shown).toMatch(
    new RegExp(`Topic +${TOPIC}\n.*in 30 days\n.*Account +mdm@example.com\n`, 's'),
  )
  expect(shown).toMatch(
    /Vendor +MDM Vendor: Example\n.*\nNext: npm run push-cert -- renew --state \S+\n$/,
  )
  expect(shown).not.toContain('Pending')
  for (const name of readdirSync(folder)) {
    expect(statSync(join(folder, name)).mode & 0o777, name).toBe(0o600)
  }
})

it('a renewal names the row to renew, and takes a later certificate only', async () => {
  const { url, mail, env } = await service()
  const renewal = await pushCert(['renew', '--mdmcert-url', url], env)
  expect(renewal).toMatch(
    new RegExp(
      `^0: Topic +${TOPIC}\n.*Ends +20.*Account +mdm@example.com\n.*took the request`,
      's',
    ),
  )
  expectDocumented(renewal)
  const decrypted = await pushCert(['decrypt', '--file', mail()])
  expectDocumented(decrypted)
  expect(decrypted).toMatch(
    new RegExp(
      `Sign in with mdm@example\\.com.*UID\n${TOPIC}, which ends on 20.*"Renew" on this row`,
      's',
    ),
  )
  expect(await pushCert(['install', '--cert', portal('older', TOPIC, 9)])).toMatch(
    /^1: push-cert: this certificate ends on .*give the renewed one/,
  )
  expect(await pushCert(['install', '--cert', portal('renewed', TOPIC, 365)])).toMatch(
    /^0: npm start will push.*Only the Apple Account mdm@example\.com can renew it\./s,
  )
  expect(await pushCert(['show'])).toMatch(
    /in 365 days\n.*Next: from 20\d\d-\d\d-\d\d on, npm run push-cert -- renew/s,
  )
  expect(readFileSync(join(folder, 'renew-push-certificate.ics'), 'utf8')).toContain('BEGIN:VEVENT')
})

it('in production the renewed certificate replaces the bound one, and another topic is refused', async () => {
  const projectDir = join(state, 'project')
  mkdirSync(projectDir)
  writeFileSync(join(projectDir, 'wrangler.toml'), 'name = "edgemdm"\n')
  const asked: string[] = []
  const pairOf = (name: string, topic: string, days: number) =>
    readPushPair(
      { certificateFile: portal(name, topic, days), keyFile: join(folder, 'push.key') },
      Date.now(),
    )
  const install = async (name: string, topic: string, days: number, enrolled: number) => {
    const push = pairOf(name, topic, days)
    const wrangler = async (args: readonly string[]): Promise<string> => {
      asked.push(args.slice(0, 2).join(' '))
      const id = `00000000-0000-4000-8000-${String(asked.length).padStart(12, '0')}`
      return args[0] === 'd1' ? `[{"enrolled": ${enrolled}}]` : `ID: ${id}\n`
    }
    const ids = await installInProduction({ projectDir, folder, push, force: false, wrangler })
    return keepInstalled({ folder, push, account: undefined, ...ids, now: Date.now() }).join('\n')
  }
  expect(await install('bound', TOPIC, 30, 0)).not.toContain('delete')
  await expect(install('created', 'com.apple.mgmt.External.new', 365, 3)).rejects.toThrow(
    /3 devices are enrolled with the topic .* every device has to enrol again/,
  )
  await expect(install('earlier', TOPIC, 20, 3)).rejects.toThrow('give the renewed one')
  expect(asked).toEqual(['d1 execute', 'mtls-certificate upload', 'deploy', 'd1 execute'])
  await install('second', TOPIC, 365, 3)
  expect(await install('third', TOPIC, 400, 3)).toContain(
    'npx wrangler mtls-certificate delete --id 00000000-0000-4000-8000-000000000002',
  )
})

it('a mail from a vendor whose certificate has expired is refused with the date, before any upload', async () => {
  const { url, mail, env } = await service(newVendor([-300, -5]))
  const file = join(folder, 'PushCertificateRequest.plist')
  const before = existsSync(file) ? readFileSync(file, 'latin1') : ''
  await pushCert(['request', '--mdmcert-email', 'it@example.com', '--mdmcert-url', url], env)
  expect(await pushCert(['decrypt', '--file', mail()])).toMatch(
    /^1: push-cert: Apple will refuse this request: .*MDM Vendor: Example.* expired on 20\d\d-\d\d-\d\d/,
  )
  expect(readFileSync(file, 'latin1')).toBe(before)
  expect(await pushCert(['show'])).toContain('waiting for the mail')
})
