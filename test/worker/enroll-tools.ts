/** The way in, as devices and people take it, against the Worker with any settings. */
import { createExecutionContext } from 'cloudflare:test'
import { createPrivateKey } from 'node:crypto'
import { expect } from 'vitest'
import worker from '../../src/index.ts'
import { signAttached } from '../../src/pki/cms/sign.ts'
import { readPem } from '../../src/pki/x509/certificate.ts'
import { asDict } from '../../src/plist/dict.ts'
import { readPlist } from '../../src/plist/read.ts'
import type { PlistDict, PlistValue } from '../../src/plist/value.ts'
import { writePlist } from '../../src/plist/write.ts'
import { env, until } from './server.ts'

const { APPLE_DEVICE, APPLE_DEVICE_KEY } = env as unknown as Record<string, string>
const PROFILE_TYPE = 'application/x-apple-aspen-config'
/** The Worker with other settings than the rest of the tests. */
export async function ask(
  path: string,
  init: RequestInit = {},
  settings: Readonly<Record<string, unknown>> = {},
): Promise<Response> {
  const request = new Request(new URL(path, 'https://mdm.test'), init)
  const its = { ...env, ...settings }
  return worker.fetch(request as never, its as never, createExecutionContext())
}

/** Resolves when this isolate knows that Control has no more seal keys: a wrong token is then refused. */
export async function heardControl(): Promise<void> {
  const settings = { ENROLLMENT: 'token', ENROLL_TOKEN: '' }
  const wrong = () => ask('/mdm/enroll?token=wrong', {}, settings)
  await until(wrong, ({ status }) => status === 403)
}

export const post = (body: Uint8Array): RequestInit => ({ method: 'POST', body })
export const bytes = (base64 = '') => new Uint8Array(Buffer.from(base64, 'base64'))

/** A MachineInfo of the device that Apple made, signed by it or by another identity. */
export function signed(info: PlistValue, identity = appleIdentity()): Uint8Array {
  return signAttached({ ...identity, body: writePlist(info), digest: 'sha256' })
}

export function appleIdentity() {
  const [certificate = new Uint8Array()] = readPem(APPLE_DEVICE ?? '')
  return { certificate, privateKey: createPrivateKey(APPLE_DEVICE_KEY ?? '') }
}

export async function profileOf(response: Response): Promise<PlistDict> {
  expect(response.status).toBe(200)
  expect(response.headers.get('content-type')).toBe(PROFILE_TYPE)
  // It holds a challenge.
  expect(response.headers.get('cache-control')).toBe('no-store')
  return asDict(readPlist(new Uint8Array(await response.arrayBuffer())))
}

export const payloadsOf = (profile: PlistDict) => profile['PayloadContent'] as readonly PlistDict[]
