import { afterAll, expect, it } from 'vitest'
import { readFileSync } from 'node:fs'
import { createSimulatedDep } from '../../../../src/simulator/dep/dep.ts'
import { listenDep } from '../../../../src/simulator/dep/portal/listen.ts'
import type { TokenFileForm } from '../../../../src/simulator/dep/portal/token-file.ts'
import { openOpenssl, RSA } from '../../pki/openssl.ts'
import { clientOf, START } from './client.ts'

const openssl = openOpenssl()
const { certificateFile, keyFile } = openssl.identity('mdm', RSA)
const PEM = readFileSync(certificateFile, 'utf8')

afterAll(() => openssl.cleanUp())

/** Decrypts a token file with OpenSSL and gives its inner text. */
function opened(file: string): string {
  const base64 = file.slice(file.indexOf('\n\n')).replaceAll('\n', '')
  const der = openssl.file('token.der', Buffer.from(base64, 'base64'))
  return openssl
    .run(['cms', '-decrypt', '-inform', 'DER', '-in', der, '-inkey', keyFile, '-binary'])
    .toString()
}

const FORMS: readonly TokenFileForm[] = [
  {},
  { encoding: 'DER', cipher: 'aes-256-cbc' },
  { encoding: 'BER', cipher: 'des-ede3-cbc', wrap: 66, crlf: true },
  { encoding: 'DER', cipher: 'aes-128-cbc', wrap: 71, markers: false },
  { wrap: 0, folded: true },
]

it.each(FORMS)('a token file in the form %o is decrypted to the token by OpenSSL', async (form) => {
  const dep = createSimulatedDep({ now: () => START })
  const file = dep.tokenFile(PEM, form)
  expect(file.split('\n').every((line) => line.length <= 90)).toBe(true)
  const text = opened(file)
  expect(text.includes('\r\n')).toBe(form.crlf === true)
  const [head = '', body = ''] = text.split(/\r?\n\r?\n/)
  expect(head).toMatch(/^Content-Type: text\/plain;charset=UTF-8\r?\n/)
  expect(body.includes('-----BEGIN MESSAGE-----')).toBe(form.markers !== false)
  const lines = body.split(/\r?\n/).filter((line) => !line.startsWith('-----'))
  expect(Math.max(...lines.map(({ length }) => length)) <= (form.wrap || 1000)).toBe(true)
  const token = JSON.parse(lines.join(''))
  expect(token.access_token_expiry).toBe('2027-11-28T10:00:00Z')
  expect((await clientOf(dep).login(token)).status).toBe(200)
})

it('indefinite lengths are written only in BER', () => {
  const dep = createSimulatedDep()
  const start = (form: TokenFileForm) => {
    const file = dep.tokenFile(PEM, form)
    return Buffer.from(file.slice(file.indexOf('\n\n')), 'base64')
      .subarray(0, 2)
      .toString('hex')
  }
  expect([start({ encoding: 'BER' }), start({ encoding: 'DER' })]).toEqual(['3080', '3082'])
})

it('the portal takes the certificate, gives the token, and lists, takes and removes devices, over a socket', async () => {
  const dep = createSimulatedDep({ now: () => START })
  const listening = await listenDep(dep)
  const ask = async (method: string, path: string, body?: string) => {
    const init = { method, headers: { connection: 'close' }, ...(body && { body }) }
    const response = await fetch(listening.url + path, init)
    return { status: response.status, text: await response.text() }
  }
  try {
    expect(await ask('GET', '/portal/token')).toMatchObject({
      status: 400,
      text: 'upload the public certificate of the MDM server first\n',
    })
    expect((await ask('PUT', '/portal/certificate', 'no PEM')).status).toBe(400)
    expect((await ask('PUT', '/portal/certificate', PEM)).status).toBe(200)
    expect(opened((await ask('GET', '/portal/token')).text)).toContain('CK_48dd68d1')
    expect((await ask('GET', '/portal/token?server=none')).status).toBe(404)
    const mac = '{"serial_number":"MAC100","model":"MacBook Air"}'
    expect((await ask('POST', '/portal/devices', mac)).status).toBe(200)
    expect((await ask('POST', '/portal/devices', `[${mac},{"serial_number":"?"}]`)).status).toBe(
      400,
    )
    expect((await ask('POST', '/portal/devices/MAC100/activate')).text).toContain(
      'no profile is assigned to MAC100',
    )
    expect(JSON.parse((await ask('GET', '/portal/devices')).text)).toMatchObject([
      { serial_number: 'MAC100', model: 'MacBook Air', os: 'OSX', profile_status: 'empty' },
    ])
    expect((await ask('DELETE', '/portal/devices/MAC100')).status).toBe(200)
    expect(dep.state.devices['MAC100']?.server).toBe('')
    dep.fail({ path: '/account', drop: 'answer' })
    await expect(ask('GET', '/account')).rejects.toThrow('fetch failed')
  } finally {
    await listening.close()
  }
})

it('a service continues with the state of an earlier one', async () => {
  const first = createSimulatedDep({ now: () => START })
  const token = first.newToken()
  first.add({ serial_number: 'MAC100' })
  const second = clientOf(
    createSimulatedDep({ now: () => START, state: JSON.parse(JSON.stringify(first.state)) }),
  )
  expect((await second.login(token)).status).toBe(200)
  const { json } = await second.call('POST', '/server/devices', {})
  expect(json.devices).toMatchObject([{ serial_number: 'MAC100' }])
})
