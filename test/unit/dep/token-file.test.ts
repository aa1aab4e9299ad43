import { afterAll, describe, expect, it } from 'vitest'
import { createDepKey, depKeySerial } from '../../../src/dep/exchange-key.ts'
import {
  openTokenFile,
  readTokenFile,
  readTokenJson,
  TOKEN_FOR_OTHER_KEY,
} from '../../../src/dep/token-file.ts'
import { writeEnvelope } from '../../../src/pki/cms/enveloped-data.ts'
import { pem } from '../../../src/pki/x509/issue.ts'
import { nodeIdentity } from '../pki/node-identity.ts'
import { openOpenssl } from '../pki/openssl.ts'
import { NOW } from './apple.ts'
import { TOKEN, TOKEN_JSON } from './token.ts'

const own = createDepKey(NOW)
const openssl = openOpenssl()
const certificateFile = openssl.file('own.pem', pem('CERTIFICATE', own.certificate))
afterAll(openssl.cleanUp)

const MIME = [
  'Content-Type: application/pkcs7-mime; name="smime.p7m"; smime-type=enve',
  'loped-data',
  'Content-Transfer-Encoding: base64',
  'Content-Disposition: attachment; filename="smime.p7m"',
  '',
]
const INNER = 'Content-Type: text/plain;charset=UTF-8\r\nContent-Transfer-Encoding: 7bit\r\n\r\n'

/** Text in lines of so many characters. */
const wrapped = (text: string, width: number, end = '\n'): string =>
  (text.match(new RegExp(`[^]{1,${width}}`, 'g')) ?? []).join(end)

/** The decrypted text of a file: MIME, and JSON between Apple's markers. */
const inner = (json: string, end = '\n'): string =>
  [`${INNER}-----BEGIN MESSAGE-----`, json, '-----END MESSAGE-----', ''].join(end)

const sealed = (text: string): Uint8Array =>
  writeEnvelope(Buffer.from(text), own.certificate, 'aes-128-cbc')

const asMime = (der: Uint8Array, end = '\n'): Uint8Array =>
  Buffer.from([...MIME, wrapped(Buffer.from(der).toString('base64'), 76, end), ''].join(end))

/** The token's JSON, or the sentence that refuses it. */
function tokenIn(file: Uint8Array, key = own): unknown {
  const read = readTokenFile(file)
  const content = read.ok ? openTokenFile(read, key.certificate, key.privateKey) : read
  return content.ok ? content.json : content.error
}

describe('a token file', () => {
  const json = JSON.stringify({ ...TOKEN_JSON, unknown_key: [1, { kept: true }] })
  const der = sealed(inner(wrapped(json, 76)))
  const encrypted = (...options: string[]): Uint8Array =>
    openssl.run(
      ['cms', '-encrypt', '-binary', ...options, certificateFile],
      Buffer.from(inner(wrapped(json, 76))),
    )

  it.each([
    ['of Apple’s form, its header folded inside of a word', asMime(der)],
    ['with CRLF', asMime(der, '\r\n')],
    ['of bare base64', Buffer.from(Buffer.from(der).toString('base64'))],
    ['of DER', der],
    [
      'that openssl streams with indefinite lengths',
      encrypted('-stream', '-outform', 'DER', '-aes128'),
    ],
    ['of S/MIME by openssl with AES-256', encrypted('-aes256')],
    ['of triple DES', encrypted('-outform', 'DER', '-des3')],
  ])('%s gives its token, with the keys that are not known', (_, file) => {
    expect(tokenIn(file)).toEqual(JSON.parse(json))
  })

  it('streamed by openssl has indefinite lengths', () => {
    const file = encrypted('-stream', '-outform', 'DER', '-aes128')
    expect([...file.subarray(0, 2)]).toEqual([0x30, 0x80])
    expect(tokenIn(asMime(file))).toEqual(JSON.parse(json))
  })

  it('names the serial number of its certificate', () => {
    expect(readTokenFile(der)).toMatchObject({ ok: true, keySerial: own.serial })
    expect(depKeySerial(own.certificate)).toBe(own.serial)
  })
})

describe('the lines of the decrypted text', () => {
  const json = JSON.stringify(TOKEN_JSON)

  // Some widths begin a line with `AS_`, or end one with `2027-`: a reader that trims lines damages those.
  it.each(['\n', '\r\n'])('are joined as they are, wherever they are broken by %j', (end) => {
    for (let width = 1; width <= json.length; width += 1) {
      expect(tokenIn(sealed(inner(wrapped(json, width, end), end)))).toEqual(TOKEN_JSON)
    }
  })

  it.each([
    ['a value that begins a line', json.replace('AS_', '\nAS_')],
    ['a date that ends one', json.replace('2027-', '2027-\n')],
    ['a line of hyphens', json.replace('2027-', '2027\n-\n')],
  ])('keep %s', (_, text) => {
    expect(tokenIn(sealed(inner(text)))).toEqual(TOKEN_JSON)
  })

  it('may lack the markers, and the header', () => {
    expect(tokenIn(sealed(INNER + wrapped(json, 76)))).toEqual(TOKEN_JSON)
    expect(tokenIn(sealed(json))).toEqual(TOKEN_JSON)
  })
})

describe('what is no token of this server', () => {
  const der = sealed(inner(JSON.stringify(TOKEN_JSON)))
  const other = createDepKey(NOW)

  it.each([
    ['', /^this is no server token/],
    ['garbage', /^the file is damaged/],
    ['not base64 at all!', /^this is no server token/],
    ['Content-Type: x\n\nnot base64 at all!', /^this is no server token/],
    ['Content-Type: x', /^this is no server token/],
    ['\n<!DOCTYPE html><title>Sign in</title>', /^this is a web page/],
    [pem('CERTIFICATE', own.certificate), /^this is a certificate/],
    ['x'.repeat(100_001), /^the file has more than 100000 bytes/],
  ])('gets a sentence: %.40s', (text, sentence) => {
    expect(tokenIn(Buffer.from(text))).toMatch(sentence)
  })

  it('gets a sentence when it is cut', () => {
    expect(tokenIn(der.subarray(0, 300))).toMatch(/^the file is damaged \(.+\): download/)
  })

  it('gets a sentence when it was made for another certificate', () => {
    expect(tokenIn(der, other)).toBe(TOKEN_FOR_OTHER_KEY)
  })

  it('gets it too when only the issuer differs', () => {
    const serial = Buffer.from(own.serial, 'hex')
    const double = nodeIdentity({ subject: [['CN', 'other']], serial })
    expect(depKeySerial(double.certificate)).toBe(own.serial)
    expect(tokenIn(der, { ...own, ...double })).toBe(TOKEN_FOR_OTHER_KEY)
  })

  it('gets a sentence when the key does not open it', () => {
    expect(tokenIn(der, { ...own, privateKey: other.privateKey })).toMatch(/cannot be decrypted/)
  })

  it.each([
    [{ ...TOKEN_JSON, access_secret: undefined }, 'the token has no access_secret'],
    [{ ...TOKEN_JSON, consumer_key: '' }, 'the token has no consumer_key'],
    [{ ...TOKEN_JSON, access_token_expiry: 'soon' }, 'the token’s access_token_expiry is no date'],
    [[], 'the token is no JSON object'],
  ])('gets a sentence for its content %j', (content, sentence) => {
    expect(tokenIn(sealed(inner(JSON.stringify(content))))).toContain(sentence)
  })
})

it('the token has its end in milliseconds', () => {
  expect(readTokenJson(TOKEN_JSON)).toMatchObject({ ok: true, token: TOKEN })
})
