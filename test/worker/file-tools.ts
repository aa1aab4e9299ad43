/** Files, the declarations that name them, and devices that fetch them. */
import { hash } from 'node:crypto'
import { offersFor } from '../../src/directory/declarations/catalog.ts'
import { joinSet } from '../../src/directory/declarations/members.ts'
import { putDeclaration } from '../../src/directory/declarations/put.ts'
import { addToSet } from '../../src/directory/declarations/sets.ts'
import { signDetached, type SigningOptions } from '../../src/pki/cms/sign.ts'
import type { SimulatedDevice } from '../../src/simulator/device/device.ts'
import type { SimulatedIdentity } from '../../src/simulator/device/identity.ts'
import { clock } from './clock.ts'
import { BASIC, env, newDevice, newIdentity, serve } from './server.ts'

export const ORIGIN = 'http://mdm.test'
export const PROFILE_TYPE = 'application/x-apple-aspen-config'

/** A name that no other test uses. */
export const newName = (): string => `f-${crypto.randomUUID()}`

export const sha256 = (bytes: Uint8Array): string => hash('sha256', bytes, 'hex')

export const bytesOf = (text: string): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(new TextEncoder().encode(text))

export interface StoredAnswer {
  readonly sha256: string
  readonly url: string
  readonly content_type: string
  readonly size: number
  readonly declarations: string[]
  readonly unchanged: { readonly identifier: string; readonly detail: string }[]
  readonly code?: string
}

/** Uploads a file as an admin does. */
export async function upload(
  name: string,
  body: Uint8Array<ArrayBuffer>,
  type: string | undefined = PROFILE_TYPE,
): Promise<{ status: number; body: StoredAnswer }> {
  const response = await serve(`/api/files/${name}`, {
    method: 'PUT',
    headers: { authorization: BASIC, ...(type === '' ? {} : { 'content-type': type }) },
    body,
  })
  return { status: response.status, body: await response.json() }
}

/** Stores a declaration. @returns its identifier */
export async function declared(
  payload: object,
  type = 'com.apple.configuration.legacy',
  identifier = `d-${crypto.randomUUID().slice(0, 8)}`,
): Promise<string> {
  const declaration = { identifier, type, payload: JSON.stringify(payload), origin: ORIGIN }
  const put = await putDeclaration(env.DB, declaration, { notify: false, now: clock.now() })
  if (put.kind === 'refused') {
    throw new Error(put.faults.map(({ detail }) => detail).join())
  }
  return identifier
}

/** Offers declarations to a device, as a round does. */
export async function offer(udid: string, ...identifiers: readonly string[]): Promise<void> {
  const when = { now: clock.now(), notify: false }
  await joinSet(env.DB, udid, `set-${udid}`, when)
  for (const identifier of identifiers) {
    await addToSet(env.DB, `set-${udid}`, identifier, when)
  }
  const offers = await offersFor(env.DB, [udid])
  const all = offers.get(udid)
  if (all) {
    await env.DEVICE.getByName(udid).offerDeclarations(all, { uuid: crypto.randomUUID() })
  }
}

export interface Holder {
  readonly device: SimulatedDevice
  readonly identity: SimulatedIdentity
}

/** An enrolled device that is offered these declarations. */
export async function holderOf(...identifiers: readonly string[]): Promise<Holder> {
  const identity = newIdentity()
  const device = newDevice({ identity })
  await device.enroll()
  await offer(device.udid, ...identifiers)
  return { device, identity }
}

/** The headers of a device that fetches a file. */
export function signedBy(
  identity: SimulatedIdentity,
  options: Partial<SigningOptions> = {},
): Record<string, string> {
  const body = new Uint8Array()
  const signature = signDetached({ ...identity, body, digest: 'sha256', ...options })
  return { 'mdm-signature': Buffer.from(signature).toString('base64') }
}

/** A device's request for a file, by its URL in a declaration. */
export function fetchFile(
  url: string,
  headers: Record<string, string>,
  method = 'GET',
): Promise<Response> {
  return serve(url.replace(ORIGIN, ''), { method, headers })
}
