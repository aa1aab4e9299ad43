import { execFile } from 'node:child_process'
import { createPublicKey } from 'node:crypto'
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { signRequest } from '../../../../src/cli/push-cert/request.ts'
import { issueCertificate, pem, randomSerial } from '../../../../src/pki/x509/issue.ts'
import { asDict, stringAt } from '../../../../src/plist/dict.ts'
import { readPlist } from '../../../../src/plist/read.ts'
import { newKey } from '../../../../src/simulator/device/identity.ts'
import { openOpenssl } from '../../pki/openssl.ts'

const CLI = join(import.meta.dirname, '../../../../src/cli/push-cert/push-cert.ts')
const DAY = 86_400_000
const state = mkdtempSync(join(tmpdir(), 'edgemdm-push-cert-'))
const folder = join(state, 'push-cert')
const openssl = openOpenssl()

afterAll(() => {
  openssl.cleanUp()
  rmSync(state, { recursive: true })
})

/** What it printed; where it failed, what it complained of. */
async function pushCert(...args: string[]): Promise<{ code: number; text: string }> {
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [CLI, ...args, '--state', state])
    return { code: 0, text: stdout }
  } catch (error) {
    const { code, stderr } = error as { code: number; stderr: string }
    return { code, text: stderr }
  }
}

const run = (...args: string[]) => openssl.run(args).toString()
const path = (name: string) => join(folder, name)

/** A certificate for a request, as Apple issues them: from a root over an intermediate. */
function sign(name: string, request: string, issuer: string, extensions = '', days = 30): string {
  const extFile = openssl.file(`${name}.ext`, extensions)
  const file = openssl.file(`${name}.pem`, '')
  const by = ['-CA', issuer, '-CAkey', issuer.replace('.pem', '.key'), '-CAcreateserial']
  const args = ['-req', '-in', request, '-out', file, '-days', String(days), '-extfile', extFile]
  openssl.run(['x509', ...args, ...by])
  return file
}

const apple = { root: '', wwdr: '', vendor: '' }

beforeAll(async () => {
  const requests = [
    await pushCert('vendor-csr', '--email', 'vendor@example.com'),
    await pushCert('push-csr', '--email', 'It@Example.COM', '--country', 'de', '--cn', 'Ärzte'),
  ]
  expect(requests).toMatchObject([{ code: 0 }, { code: 0 }])
  apple.root = openssl.identity('root', ['-newkey', 'rsa:2048']).certificateFile
  const wwdrKey = openssl.file('wwdr.key', '')
  const wwdrRequest = openssl.file('wwdr.csr', '')
  openssl.run(
    ['req', '-newkey', 'rsa:2048', '-nodes', '-keyout', wwdrKey, '-out', wwdrRequest].concat([
      '-subj',
      '/CN=Apple Worldwide Developer Relations Certification Authority/OU=G3',
    ]),
  )
  apple.wwdr = sign('wwdr', wwdrRequest, apple.root, 'basicConstraints=critical,CA:TRUE')
  apple.vendor = sign('vendor', path('vendor.csr'), apple.wwdr)
})

describe('the requests', () => {
  it.each([
    ['vendor', 'C = US, CN = EdgeMDM vendor, emailAddress = vendor@example.com'],
    ['push', 'C = DE, CN = Ärzte, emailAddress = it@example.com'],
  ])('of the %s pass OpenSSL, and only their owner reads them and the key', (role, subject) => {
    const csr = path(`${role}.csr`)
    const text = run(
      'req',
      '-in',
      csr,
      '-verify',
      '-noout',
      '-subject',
      '-nameopt',
      'oneline,utf8,-esc_msb',
    )
    expect(text).toContain(`subject=${subject}`)
    expect(run('req', '-in', csr, '-noout', '-text')).toContain('Public-Key: (2048 bit)')
    expect(run('req', '-in', csr, '-noout', '-pubkey')).toBe(
      run('pkey', '-in', path(`${role}.key`), '-pubout'),
    )
    for (const name of readdirSync(folder)) {
      expect(statSync(path(name)).mode & 0o777).toBe(0o600)
    }
  })

  it('made again keep the key: Apple may be making a certificate for it just now', async () => {
    const before = readFileSync(path('push.key'), 'utf8')
    expect(await pushCert('push-csr', '--email', 'other@example.com')).toMatchObject({ code: 0 })
    expect(readFileSync(path('push.key'), 'utf8')).toBe(before)
  })

  it.each(['vendor', 'push'])('leave the %s key in the form that mdmctl reads', (role) => {
    expect(readFileSync(path(`${role}.key`), 'utf8')).toMatch(/^-----BEGIN RSA PRIVATE KEY-----\n/)
  })

  it('made with a PKCS#8 key of before keep it as it is', async () => {
    const file = path('push.key')
    const before = readFileSync(file, 'utf8')
    const pkcs8 = run('pkcs8', '-topk8', '-nocrypt', '-in', file)
    writeFileSync(file, pkcs8)
    expect(await pushCert('push-csr', '--email', 'it@example.com')).toMatchObject({ code: 0 })
    expect(readFileSync(file, 'utf8')).toBe(pkcs8)
    expect(run('req', '-in', path('push.csr'), '-noout', '-pubkey')).toBe(
      run('pkey', '-in', file, '-pubout'),
    )
    writeFileSync(file, before)
  })
})

describe('the signed request', () => {
  const signed = () =>
    pushCert('sign', '--vendor-cert', apple.vendor, '--wwdr', apple.wwdr, '--root', apple.root)

  it('is one line of base64 of a plist whose signature and chain OpenSSL accepts', async () => {
    expect(await signed()).toMatchObject({
      code: 0,
      text: expect.stringContaining('identity.apple.com'),
    })
    const file = readFileSync(path('PushCertificateRequest.plist'), 'latin1')
    expect(file).toMatch(/^[A-Za-z0-9+/]+={0,2}$/)
    const plist = asDict(readPlist(Buffer.from(file, 'base64')))
    expect(Object.keys(plist).toSorted()).toEqual([
      'PushCertCertificateChain',
      'PushCertRequestCSR',
      'PushCertSignature',
    ])
    const text = (key: string) => stringAt(plist, key) ?? ''
    const csr = openssl.file('csr.der', Buffer.from(text('PushCertRequestCSR'), 'base64'))
    const own = openssl.run(['req', '-in', path('push.csr'), '-outform', 'DER'])
    expect(readFileSync(csr)).toEqual(own)
    const signature = openssl.file('csr.sig', Buffer.from(text('PushCertSignature'), 'base64'))
    const key = openssl.file('vendor.pub', run('x509', '-in', apple.vendor, '-noout', '-pubkey'))
    const verify = ['-sha256', '-verify', key, '-signature', signature]
    expect(run('dgst', ...verify, csr)).toBe('Verified OK\n')
    expect(text('PushCertCertificateChain')).toBe(
      [apple.vendor, apple.wwdr, apple.root].map((name) => run('x509', '-in', name)).join(''),
    )
  })

  it('takes Apple’s certificates from Apple where no files are given, by the generation of the vendor’s issuer', async () => {
    const asked: string[] = []
    const der = (file: string) =>
      new Uint8Array(openssl.run(['x509', '-in', file, '-outform', 'DER']))
    await signRequest({
      folder,
      vendorCertificateFile: openssl.file('vendor.cer', der(apple.vendor)),
      requestFile: undefined,
      wwdrFile: undefined,
      rootFile: undefined,
      fetch: async (url) => {
        asked.push(url)
        return new Response(der(url.includes('WWDR') ? apple.wwdr : apple.root))
      },
      now: Date.now(),
    })
    expect(asked).toEqual([
      'https://www.apple.com/certificateauthority/AppleWWDRCAG3.cer',
      'https://www.apple.com/appleca/AppleIncRootCertificate.cer',
    ])
  })

  it.each([
    ['a certificate of another key', () => apple.wwdr, () => apple.wwdr, /its key is another/],
    ['another issuer', () => apple.vendor, () => apple.root, /does not descend from Apple's root/],
    ['no certificate', () => path('push.csr'), () => apple.wwdr, /not a certificate/],
    [
      'an expired certificate',
      () => sign('old', path('vendor.csr'), apple.wwdr, '', -1),
      () => apple.wwdr,
      /the vendor's certificate .* expired on 20\d\d-/,
    ],
  ])('is refused for %s', async (_, vendor, wwdr, message) => {
    const args = ['--vendor-cert', vendor(), '--wwdr', wwdr(), '--root', apple.root]
    const refused = await pushCert('sign', ...args)
    expect(refused).toMatchObject({ code: 1, text: expect.stringMatching(message) })
    expect(refused.text.trim()).not.toContain('\n')
  })
})

function pushCertificate(topic: string, key = newKey('rsa'), days = 300, issuer = 'Apple Inc.') {
  const der = issueCertificate({
    subject: [
      ['UID', topic],
      ['O', issuer],
    ],
    publicKey: createPublicKey(key),
    signingKey: key,
    serial: randomSerial(),
    notBefore: Date.now() - DAY,
    notAfter: Date.now() + days * DAY + DAY / 2,
    keyUsage: ['digitalSignature'],
  })
  const file = (name: string, content: string) => openssl.file(`${topic}-${name}`, content)
  return {
    cert: file('cert.pem', pem('CERTIFICATE', der)),
    key: file('key.pem', key.export({ type: 'pkcs1', format: 'pem' }).toString()),
  }
}

describe('installing for npm start', () => {
  const topic = 'com.apple.mgmt.External.mine'

  it('keeps the pair sealed, and show prints its topic and its end', async () => {
    const { cert, key } = pushCertificate(topic, newKey('rsa'), 20)
    const installed = await pushCert('install', '--cert', cert, '--key', key)
    expect(installed).toMatchObject({
      code: 0,
      text: expect.stringContaining('npm start will push'),
    })
    expect(readFileSync(path('installed'), 'latin1')).not.toContain('PRIVATE KEY')
    expect(statSync(path('installed')).mode & 0o777).toBe(0o600)
    const { text } = await pushCert('show')
    expect(text).toContain(`Topic        ${topic}`)
    expect(text).toContain('in 20 days: renew it at https://identity.apple.com')
  })

  it('uses the key that push-csr made, unless a flag names another', async () => {
    const csr = readFileSync(path('push.key'), 'utf8')
    const { cert } = pushCertificate(topic, (await import('node:crypto')).createPrivateKey(csr))
    expect((await pushCert('install', '--cert', cert)).code).toBe(0)
  })

  it.each([
    [
      'a key of another',
      () => [pushCertificate('com.apple.mgmt.x').cert, path('vendor.key')],
      /does not belong/,
    ],
    [
      'an expired certificate',
      () => Object.values(pushCertificate('com.apple.mgmt.old', newKey('rsa'), -3)),
      /expired on/,
    ],
    ['a certificate without a topic', () => Object.values(pushCertificate('nothing')), /no UID/],
    [
      'a certificate that Apple did not issue',
      () => Object.values(pushCertificate('com.apple.mgmt.y', newKey('rsa'), 9, 'Other')),
      /was issued by .*O=Other and not by Apple/,
    ],
    ['a missing file', () => ['/no/such/file', path('push.key')], /no such file/],
  ])('refuses %s in one line', async (_, files, message) => {
    const [cert = '', key = ''] = files()
    const refused = await pushCert('install', '--cert', cert, '--key', key)
    expect(refused).toMatchObject({ code: 1, text: expect.stringMatching(message) })
    expect(refused.text.trim()).not.toContain('\n')
  })
})

it.each([
  [
    ['nonsense'],
    'nonsense is none of vendor-csr, push-csr, sign, request, decrypt, install, renew, note, show',
  ],
  [['push-csr'], '--email ADDRESS is needed'],
  [['push-csr', '--email', 'no-address'], 'not an e-mail address'],
  [['push-csr', '--email', 'a@b', '--country', 'USA'], 'not a country code'],
  [['show', '--cert', 'x'], "Unknown option '--cert'"],
])('npm run push-cert with %j is refused in one clear line', async (args, message) => {
  const refused = await pushCert(...args)
  expect(refused).toMatchObject({ code: 1, text: expect.stringContaining(message) })
  expect(refused.text.trim()).not.toContain('\n')
})

it.each(['--help', '-h'])('the help names every command: %s', async (flag) => {
  const { text } = await pushCert(flag)
  for (const name of [
    'vendor-csr',
    'push-csr',
    'sign',
    'request',
    'decrypt',
    'renew',
    'note',
    'show',
    '--force',
  ]) {
    expect(text).toContain(name)
  }
})

it('leaves a server of npm run deploy to that command', async () => {
  const deployment = join(state, 'deployments/acme')
  mkdirSync(deployment, { recursive: true })
  const refused = await pushCert('install', '--cert', 'MDM_Example.pem', '--production')
  rmSync(deployment, { recursive: true })
  expect(refused.code).not.toBe(0)
  expect(refused.text).toContain('npm run deploy -- --name acme --push-cert MDM_….pem')
})
