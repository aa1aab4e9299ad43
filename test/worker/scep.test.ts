import { createPublicKey } from 'node:crypto'
import { beforeAll, describe, expect, it, vi } from 'vitest'
import { findChallenge, newChallenge } from '../../src/directory/challenges.ts'
import { issueCertificate, randomSerial } from '../../src/pki/x509/issue.ts'
import { createSealer } from '../../src/pki/seal/seal.ts'
import { readCertificate } from '../../src/pki/x509/certificate.ts'
import { CONTENT_CIPHERS, readEnvelope } from '../../src/pki/cms/enveloped-data.ts'
import { readSignedData } from '../../src/pki/cms/signed-data.ts'
import type { SimulatedIdentity } from '../../src/simulator/device/identity.ts'
import { readCertRep, sendScepRequest } from '../../src/simulator/device/scep.ts'
import { heardControl } from './enroll-tools.ts'
import { clock } from './clock.ts'
import { api, env, newDevice, newIdentity, serve } from './server.ts'
import {
  enrol,
  install,
  newAuthority,
  oneTimeChallenge,
  request,
  rsaKey,
  SCEP_URL,
  scepFetch,
  send,
  someKey,
} from './scep-client.ts'

const authority = newAuthority()
beforeAll(heardControl)
beforeAll(() => install(authority))

const certificateCount = async (): Promise<number> =>
  (await env.DB.prepare('SELECT count(*) AS n FROM certificates').first<number>('n')) ?? -1

describe('GetCACaps and GetCACert', () => {
  it('name the capabilities that Apple’s clients need, one on each line', async () => {
    const response = await serve('/scep?operation=GetCACaps&message=EdgeMDM')
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toMatch(/^text\/plain/)
    expect((await response.text()).split('\n')).toEqual([
      'Renewal',
      'SHA-1',
      'SHA-256',
      'SHA-512',
      'AES',
      'DES3',
      'SCEPStandard',
      'POSTPKIOperation',
    ])
  })

  it('return only the issuing CA', async () => {
    const response = await serve('/scep?operation=GetCACert')
    expect(response.headers.get('content-type')).toBe('application/x-x509-ca-cert')
    expect(new Uint8Array(await response.arrayBuffer())).toEqual(authority.certificate.der)
  })

  it('unknown operations and other methods get no 401 and no 403', async () => {
    expect((await serve('/scep?operation=GetNextCACert')).status).toBe(400)
    expect((await serve('/scep')).status).toBe(400)
    expect((await serve('/scep', { method: 'PUT' })).status).toBe(405)
  })
})

describe('a device', () => {
  it('gets an identity for a challenge, enrols with it and answers a command', async () => {
    const identity = await enrol({ challenge: await oneTimeChallenge() })
    const device = newDevice({ identity })
    expect((await device.enroll()).status).toBe(200)
    const { fingerprint, notAfter, extKeyUsages } = readCertificate(identity.certificate)
    expect(extKeyUsages).toEqual(['1.3.6.1.5.5.7.3.2'])
    expect(Math.round((notAfter - clock.now()) / 86_400_000)).toBe(365)
    const row = await env.DB.prepare(
      `SELECT subject, serial, authority, enrollment FROM certificates JOIN identities USING (fingerprint)
        WHERE fingerprint = ?`,
    )
      .bind(fingerprint)
      .first()
    expect(row).toMatchObject({
      subject: 'O=EdgeMDM, CN=MDM Identity (Mac)',
      authority: authority.certificate.keyId,
      enrollment: device.udid,
    })
  })

  it('may send its request by GET, with + and / unescaped, or escaped once or twice', async () => {
    const pending = request({ challenge: await oneTimeChallenge() }, authority)
    const message = Buffer.from(pending.der).toString('base64')
    expect(message).toMatch(/\+/)
    const raw = message.replaceAll('=', '%3D')
    const answer = await serve(`/scep?operation=PKIOperation&message=${raw}`)
    expect(answer.headers.get('content-type')).toBe('application/x-pki-message')
    const escaped = await serve(
      `/scep?message=${encodeURIComponent(message)}&operation=PKIOperation`,
    )
    const twice = await serve(
      `/scep?operation=PKIOperation&message=${encodeURIComponent(encodeURIComponent(message))}`,
    )
    expect([answer.status, escaped.status, twice.status]).toEqual([200, 200, 200])
    const answers = [answer, escaped, twice].map(async (one) =>
      readCertRep(new Uint8Array(await one.arrayBuffer()), pending),
    )
    const [first, ...others] = (await Promise.all(answers)).map(({ certificate }) => certificate)
    expect(others).toEqual([first, first])
  })

  it('may use each cipher and digest, all of them on workerd’s node:crypto', async () => {
    for (const cipher of CONTENT_CIPHERS) {
      for (const digest of ['sha1', 'sha256', 'sha384', 'sha512'] as const) {
        const challenge = await oneTimeChallenge()
        const pending = request({ challenge, cipher, digest, key: someKey }, authority)
        const answer = await sendScepRequest({ fetch: scepFetch, url: SCEP_URL }, pending.der)
        const signed = readSignedData(answer)
        expect(signed.signer.digest).toBe(digest)
        expect(readEnvelope(signed.content ?? new Uint8Array()).cipher).toBe(cipher)
        expect(readCertRep(answer, pending).privateKey).toBe(someKey)
      }
    }
  })

  it('gets the same certificate for the same request, even when two arrive at once', async () => {
    const pending = request({ challenge: await oneTimeChallenge() }, authority)
    const [first, second] = await Promise.all([send(pending), send(pending)])
    expect(second?.certificate).toEqual(first?.certificate)
    expect((await send(pending)).certificate).toEqual(first?.certificate)
  })
})

describe('a challenge', () => {
  it('is valid for one certificate: the first request gets it', async () => {
    const challenge = await oneTimeChallenge()
    const before = await certificateCount()
    const attempts = await Promise.allSettled(
      [1, 2, 3].map(() => send(request({ challenge }, authority))),
    )
    expect(attempts.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    expect(await certificateCount()).toBe(before + 1)
  })

  it('is consumed only by success', async () => {
    const challenge = await oneTimeChallenge()
    const small = request({ challenge, key: rsaKey(1024) }, authority)
    await expect(send(small)).rejects.toMatchObject({ failInfo: '0' })
    await expect(send(request({ challenge }, authority))).resolves.toBeTruthy()
  })

  it('ends at its time', async () => {
    const now = clock.now()
    const late = await newChallenge(env.DB, now - 5000, { lifetime: 1000 })
    await expect(enrol({ challenge: late })).rejects.toMatchObject({ failInfo: '2' })
    const open = await newChallenge(env.DB, now, { lifetime: 60_000 })
    await expect(enrol({ challenge: open })).resolves.toBeTruthy()
  })

  it('is deleted after its time or its use; the certificate shows that it was used', async () => {
    const used = await oneTimeChallenge()
    const { certificate } = await enrol({ challenge: used })
    const late = await newChallenge(env.DB, clock.now() - 5000, { lifetime: 1000 })
    await newChallenge(env.DB, clock.now(), { lifetime: 60_000 })
    const sealer = createSealer(env.SEAL_KEYS)
    const find = (challenge: string) => findChallenge(env.DB, sealer, challenge, clock.now())
    expect(await find(late)).toEqual({ kind: 'unknown' })
    const { fingerprint } = readCertificate(certificate)
    expect(await find(used)).toEqual({ kind: 'spent', certificate: fingerprint })
  })

  it('gets no certificate from a new deployment if it is wrong, empty, or MicroMDM’s static one', async () => {
    const before = await certificateCount()
    for (const challenge of ['wrong', 'micromdm', undefined]) {
      await expect(enrol(challenge ? { challenge } : {})).rejects.toMatchObject({ failInfo: '2' })
    }
    expect(await certificateCount()).toBe(before)
  })
})

describe('a request that is signed with a temporary key', () => {
  it('gets one identity for a challenge, the same one for each signer of the request', async () => {
    const [first, second] = [occasion(), occasion()]
    const options = { challenge: await oneTimeChallenge(), key: someKey }
    const identity = await send(request({ ...options, renew: first }, authority))
    const again = await send(request({ ...options, renew: second }, authority))
    expect(again.certificate).toEqual(identity.certificate)
    const other = request({ challenge: options.challenge, renew: first }, authority)
    await expect(send(other)).rejects.toMatchObject({ failInfo: '2' })
    expect((await newDevice({ identity }).enroll()).status).toBe(200)
  })

  it('gets nothing without a valid challenge, and does not renew with a used one', async () => {
    const challenge = await oneTimeChallenge()
    const identity = await enrol({ challenge })
    await newDevice({ identity }).enroll()
    await age(identity.certificate)
    const before = await certificateCount()
    for (const asked of [{}, { challenge: 'wrong' }, { challenge: 'micromdm' }, { challenge }]) {
      const refused = enrol({ ...asked, renew: occasion() })
      await expect(refused).rejects.toMatchObject({ failInfo: '2' })
    }
    expect(await certificateCount()).toBe(before)
  })
})

describe('a renewal', () => {
  it.each(['PKCSReq', 'RenewalReq', 'UpdateReq'] as const)(
    'as %s, signed with the identity, needs no challenge, and the next message may be signed with it',
    async (messageType) => {
      const identity = await enrol({ challenge: await oneTimeChallenge() })
      const device = newDevice({ identity })
      await device.enroll()
      await api('POST', '/v1/commands', { udid: device.udid, request_type: 'SecurityInfo' })
      const renewed = await enrol({ renew: identity, messageType })
      expect(renewed.certificate).not.toEqual(identity.certificate)
      device.useIdentity(renewed)
      await device.poll()
      expect(device.received.map(({ requestType }) => requestType)).toEqual(['SecurityInfo'])
      device.useIdentity(await enrol({ renew: renewed }))
      expect((await device.connect({ Status: 'Idle' })).status).toBe(200)
    },
  )

  it('works for an identity of another accepted CA, if its key is RSA', async () => {
    for (const kind of ['rsa', 'ec'] as const) {
      const identity = newIdentity(undefined, kind)
      const device = newDevice({ identity })
      await device.enroll()
      const renewal = enrol({ renew: identity })
      if (kind === 'ec') {
        await expect(renewal).rejects.toMatchObject({ failInfo: '0' })
      } else {
        device.useIdentity(await renewal)
      }
      expect((await device.connect({ Status: 'Idle' })).status).toBe(200)
    }
  })

  it('by a revoked identity gets nothing, and the log has the reason', async () => {
    const identity = await enrol({ challenge: await oneTimeChallenge() })
    const device = newDevice({ identity })
    await device.enroll()
    const { fingerprint } = readCertificate(identity.certificate)
    await api('POST', `/api/devices/${device.udid}/identities/${fingerprint}/revoke`)
    const before = await certificateCount()
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined)
    await expect(enrol({ renew: identity })).rejects.toMatchObject({ failInfo: '2' })
    const lines = warn.mock.calls.map(([line]) => String(line))
    warn.mockRestore()
    const refused = lines.filter((line) => line.includes('scep:refused'))
    expect(refused.map((line) => JSON.parse(line))).toEqual([
      {
        event: 'scep:refused',
        level: 'warn',
        reason: `${fingerprint} is no present identity of ${device.udid}, or was renewed too often today`,
        subject: 'O=EdgeMDM, CN=Mac',
        request_id: expect.any(String),
      },
    ])
    expect(await certificateCount()).toBe(before)
  })

  it('by an identity of an earlier enrolment, a blocked device, or a stranger gets nothing', async () => {
    const identity = await enrol({ challenge: await oneTimeChallenge() })
    const device = newDevice({ identity })
    await device.enroll()
    await api('POST', `/v1/devices/${device.udid}/block`)
    const before = await certificateCount()
    await expect(enrol({ renew: identity })).rejects.toMatchObject({ failInfo: '2' })
    await api('POST', `/v1/devices/${device.udid}/unblock`)
    device.useIdentity(await enrol({ challenge: await oneTimeChallenge() }))
    await device.enroll()
    await expect(enrol({ renew: identity })).rejects.toMatchObject({ failInfo: '2' })
    const unused = await enrol({ challenge: await oneTimeChallenge() })
    for (const foreign of [unused, newIdentity(undefined, 'rsa')]) {
      await expect(enrol({ renew: foreign })).rejects.toMatchObject({ failInfo: '2' })
    }
    expect(await certificateCount()).toBe(before + 2)
  })

  it('by a challenge that was made for it is bound to the enrolment when it is issued', async () => {
    const identity = await enrol({ challenge: await oneTimeChallenge() })
    const device = newDevice({ identity })
    await device.enroll()
    const { fingerprint } = readCertificate(identity.certificate)
    const options = { lifetime: 60_000, renews: fingerprint }
    const challenge = await newChallenge(env.DB, clock.now(), options)
    device.useIdentity(await enrol({ challenge }))
    expect((await device.connect({ Status: 'Idle' })).status).toBe(200)
    await expect(enrol({ challenge })).rejects.toMatchObject({ failInfo: '2' })
  })
})

describe('bad input', () => {
  it('that is encrypted to another key gets the same answer as any unreadable request', async () => {
    const other = newAuthority()
    for (const cipher of CONTENT_CIPHERS) {
      const challenge = await oneTimeChallenge()
      const pending = request({ challenge, cipher, key: someKey }, other)
      const answer = await sendScepRequest({ fetch: scepFetch, url: SCEP_URL }, pending.der)
      expect(() => readCertRep(answer, { ...pending, ca: authority.certificate })).toThrow(
        'failInfo 1',
      )
    }
  })

  it('that is not a SCEP message is 400, and a body of 5 MB is 413', async () => {
    const post = (body: BodyInit) =>
      scepFetch(`${SCEP_URL}?operation=PKIOperation`, {
        method: 'POST',
        headers: {},
        body: body as Uint8Array<ArrayBuffer>,
      })
    expect((await post(new Uint8Array())).status).toBe(400)
    expect((await post(new Uint8Array([0x30, 0x80]))).status).toBe(400)
    expect((await post(request({}, authority).der.slice(0, -1))).status).toBe(400)
    expect((await post(new Uint8Array(5_000_000))).status).toBe(413)
    expect((await serve('/scep?operation=PKIOperation&message=%zz')).status).toBe(400)
  })
})

const occasionKey = rsaKey()

/** What signs one request and is thrown away. */
function occasion(): SimulatedIdentity {
  const certificate = issueCertificate({
    subject: [['CN', 'SCEP signer']],
    publicKey: createPublicKey(occasionKey.export({ type: 'pkcs8', format: 'pem' })),
    signingKey: occasionKey,
    serial: randomSerial(),
    notBefore: clock.now() - 60_000,
    notAfter: clock.now() + 60_000,
    keyUsage: ['digitalSignature', 'keyEncipherment'],
  })
  return { certificate, privateKey: occasionKey, commonName: 'SCEP signer' }
}

/** Takes a certificate into the last day of a year, as far as the directory knows. */
async function age(certificate: Uint8Array): Promise<void> {
  const day = 86_400_000
  await env.DB.prepare('UPDATE certificates SET issued_at = ?, not_after = ? WHERE fingerprint = ?')
    .bind(clock.now() - 364 * day, clock.now() + day, readCertificate(certificate).fingerprint)
    .run()
}
