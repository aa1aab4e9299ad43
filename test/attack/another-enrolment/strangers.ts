/** Strangers who know all ids of a device, and its certificate, but not its key. */
import { createPublicKey } from 'node:crypto'
import { expect, it } from 'vitest'
import { issueCertificate, pem, randomSerial } from '../../../src/pki/x509/issue.ts'
import { readCertificate } from '../../../src/pki/x509/certificate.ts'
import type { PlistDict } from '../../../src/plist/value.ts'
import { writePlist } from '../../../src/plist/write.ts'
import type { SimulatedDevice } from '../../../src/simulator/device/device.ts'
import {
  createIdentity,
  newKey,
  type SimulatedIdentity,
} from '../../../src/simulator/device/identity.ts'
import { fetchAlone } from '../../e2e/server.ts'
import { newAuthenticate, enrolled, newId, newTokenUpdate } from '../device.ts'
import { IDLE } from '../../devices/messages.ts'
import { commandsOf, queueApi, type Scene } from '../scene.ts'
import { call, selfSigned } from '../stranger.ts'
import { signatureOf } from '../../devices/signature.ts'

type Signer = Pick<SimulatedIdentity, 'certificate' | 'privateKey'>
type Headers = (body: Uint8Array) => Record<string, string>

const OWN_KEY = newKey('rsa')
const YEAR = 365 * 86_400_000

/** By a CA of the stranger's own that bears the name of the server's. */
async function byNamesake({ url }: Scene, victim: SimulatedDevice): Promise<Signer> {
  const answer = await fetchAlone(`${url}/scep?operation=GetCACert`)
  const real = readCertificate(new Uint8Array(await answer.arrayBuffer()))
  const now = Date.now()
  const certificate = issueCertificate({
    subject: [
      ['O', 'EdgeMDM'],
      ['CN', real.commonName ?? ''],
    ],
    publicKey: createPublicKey(OWN_KEY),
    signingKey: OWN_KEY,
    serial: randomSerial(),
    notBefore: now - YEAR,
    notAfter: now + YEAR,
    ca: true,
    keyUsage: ['keyCertSign'],
  })
  const ca = { certificate: readCertificate(certificate), privateKey: OWN_KEY }
  expect(ca.certificate.subject).toBe(real.subject)
  const { commonName } = victim.identity()
  return createIdentity({ ca, commonName, key: OWN_KEY })
}

export function strangerAttacks(scene: () => Scene): void {
  it('a message that the device’s own key did not sign is refused, with any certificate', async () => {
    const victim = await enrolled(scene())
    await victim.setBootstrapToken(new Uint8Array([1, 2, 3]))
    await queueApi(scene(), victim.udid, { request_type: 'ProfileList' })
    const { certificate, privateKey } = victim.identity()
    const captured = writePlist({ UDID: victim.udid, Status: 'Idle', Captured: true })
    const shown = pem('CERTIFICATE', certificate)
    const namesake = await byNamesake(scene(), victim)
    const forgeries: Readonly<Record<string, Headers>> = {
      nothing: () => ({}),
      'a certificate of its own': (body) => signatureOf(selfSigned(), body),
      'a CA of the same name': (body) => signatureOf(namesake, body),
      'the device’s certificate and another key': (body) =>
        signatureOf({ certificate, privateKey: OWN_KEY }, body),
      'the device’s signature of another message': () =>
        signatureOf({ certificate, privateKey }, captured),
      'the certificate in headers that no setting names': () => ({
        'x-client-cert': encodeURIComponent(shown),
        'x-forwarded-client-cert': `Cert="${encodeURIComponent(shown)}"`,
        'x-ssl-client-cert': encodeURIComponent(shown),
        'client-cert': `:${Buffer.from(certificate).toString('base64')}:`,
      }),
    }
    const ids = { UDID: victim.udid }
    const messages: PlistDict[] = [
      { ...IDLE, ...ids },
      { Status: 'Acknowledged', CommandUUID: newId(), ...ids },
      { MessageType: 'GetBootstrapToken', ...ids },
      { MessageType: 'SetBootstrapToken', BootstrapToken: new Uint8Array(3), ...ids },
      { ...newTokenUpdate('com.apple.mgmt.x'), ...ids },
      { ...newAuthenticate('com.apple.mgmt.x'), ...ids },
      { ...IDLE, ...ids, UserID: newId() },
      { MessageType: 'CheckOut', ...ids },
    ]
    const taken: string[] = []
    for (const [name, headers] of Object.entries(forgeries)) {
      for (const message of messages) {
        const body = writePlist(message)
        const init = { method: 'PUT', headers: headers(body), body: new Uint8Array(body) }
        const { status, text } = await call(`${scene().url}/mdm/checkin`, init)
        if (status !== 400 || text !== '') {
          taken.push(`${name}: ${status}`)
        }
      }
    }
    expect(taken).toEqual([])
    expect((await commandsOf(scene(), victim.udid)).map(({ state }) => state)).toEqual(['queued'])
    await victim.poll()
    expect(victim.received).toHaveLength(1)
    expect((await victim.getBootstrapToken()).token).toEqual(new Uint8Array([1, 2, 3]))
  })
}
