import { createExecutionContext } from 'cloudflare:test'
import { createPublicKey, generateKeyPairSync } from 'node:crypto'
import worker from '../../src/index.ts'
import type { Env } from '../../src/env.ts'
import { issueCertificate, pem, randomSerial } from '../../src/pki/x509/issue.ts'
import type { DeviceOptions } from '../../src/simulator/device/device.ts'
import { clock } from './clock.ts'
import { env, TOPIC } from './server.ts'

const DAY = 86_400_000

/** An admin's calls to a deployment whose vars differ from the tests' own, with a key. */
export function deployed(vars: Record<string, unknown>, key = 'test-key') {
  const its = { ...env, ...vars } as unknown as Env
  return (method: string, path: string, body?: unknown): Promise<Response> =>
    worker.fetch(
      new Request(`http://mdm.test${path}`, {
        method,
        headers: { authorization: `Basic ${btoa(`micromdm:${key}`)}` },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      }),
      its,
      createExecutionContext(),
    ) as Promise<Response>
}

const withServer = { ...env, DM_URL: 'http://ddm.test' } as unknown as Env

/** How a device reaches a deployment that passes requests for declarations on. */
export const passingOn: DeviceOptions['fetch'] = (url, init) =>
  worker.fetch(
    new Request(url, init as RequestInit),
    withServer,
    createExecutionContext(),
  ) as Promise<Response>

export function pushCertificate(topic = TOPIC, days = 300) {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const der = issueCertificate({
    subject: [['UID', topic]],
    publicKey: createPublicKey(privateKey.export({ type: 'pkcs8', format: 'pem' })),
    signingKey: privateKey,
    serial: randomSerial(),
    notBefore: clock.now() - 400 * DAY,
    notAfter: clock.now() + days * DAY + DAY / 2,
    keyUsage: ['digitalSignature'],
  })
  const keyAs = (type: 'pkcs1' | 'pkcs8') =>
    btoa(privateKey.export({ type, format: 'pem' }).toString())
  return { der, pem: pem('CERTIFICATE', der), cert: btoa(pem('CERTIFICATE', der)), keyAs }
}
