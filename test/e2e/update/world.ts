/** What is around a deployment: an admin, devices, a webhook’s receiver, APNs and Apple Business Manager. */
import { expect } from 'vitest'
import { pem } from '../../../src/pki/x509/issue.ts'
import { createSimulatedDep } from '../../../src/simulator/dep/dep.ts'
import {
  createSimulatedDevice,
  type DeviceOptions,
  type SimulatedDevice,
} from '../../../src/simulator/device/device.ts'
import {
  createIdentity,
  createIssuer,
  type IdentityPem,
  identityFromPem,
  identityToPem,
} from '../../../src/simulator/device/identity.ts'
import { PATIENCE } from '../../patience.ts'
import type { ReceivedEvent } from '../server.ts'
import type { Deployment, Sent } from './deployment.ts'

export const ORIGIN = 'http://mdm.test'
export const RECEIVER = 'http://receiver.test/in'
const TOPIC = 'com.apple.mgmt.External.test'
const APPLE = 'https://mdmenrollment.apple.com/'

export interface World {
  readonly dep: ReturnType<typeof createSimulatedDep>
  readonly events: ReceivedEvent[]
  /** The number of pushes so far. */
  pushes(): number
  /** All answers with 5xx so far: `PUT /mdm/connect 503`. */
  readonly failures: string[]
  readonly outside: {
    readonly bindings: Readonly<Record<string, string>>
    readonly internet: (request: Request) => Promise<Response>
    readonly apns: () => Response
  }
  /** From now on requests go there. */
  use(deployment: Deployment): void
  /** From now on the admin has this API key. */
  useKey(key: string): void
  /** An admin's call: status and JSON body. */
  api<Body>(method: string, path: string, body?: unknown): Promise<{ status: number; body: Body }>
  newDevice(serial: string): SimulatedDevice
  /** A device that has enrolled before. */
  device(memory: DeviceMemory): SimulatedDevice
}

export interface DeviceMemory extends IdentityPem {
  readonly serial: string
  readonly magic: string
  /** Base64. */
  readonly token: string
}

export function rememberDevice(device: SimulatedDevice): DeviceMemory {
  const { serial, magic, token } = device
  return {
    ...identityToPem(device.identity()),
    serial,
    magic,
    token: Buffer.from(token).toString('base64'),
  }
}

export function createWorld(): World {
  const ca = createIssuer({ commonName: 'Test device CA' })
  const dep = createSimulatedDep()
  const events: ReceivedEvent[] = []
  const failures: string[] = []
  let pushes = 0
  let deployment: Deployment | undefined
  let apiKey = 'test-key'
  const request = async (url: string, sent: Sent): Promise<Response> => {
    const answer = await deployment?.fetch(url, sent)
    if (!answer) {
      throw new Error('nothing is deployed yet')
    }
    if (answer.status >= 500) {
      failures.push(`${sent.method} ${new URL(url).pathname} ${answer.status}`)
    }
    return answer
  }
  const deviceOf = (
    own: Pick<DeviceOptions, 'serial' | 'identity' | 'push' | 'state'>,
  ): SimulatedDevice =>
    createSimulatedDevice({
      ...own,
      fetch: request,
      serverUrl: `${ORIGIN}/mdm/connect`,
      checkInUrl: `${ORIGIN}/mdm/checkin`,
      platform: 'macOS',
      udid: `UDID-${own.serial}`,
      topic: TOPIC,
    })
  return {
    dep,
    events,
    pushes: () => pushes,
    failures,
    outside: {
      bindings: {
        ENROLLMENT: 'open',
        DEVICE_CA: pem('CERTIFICATE', ca.certificate.der),
        PUSH_TOPIC: TOPIC,
        PUSH_CERTIFICATE_ID: 'one',
        PUBLIC_URL: ORIGIN,
        ALLOW_PRIVATE_WEBHOOKS: 'true',
      },
      async internet(asked) {
        if (asked.url.startsWith(APPLE)) {
          return dep.handle(asked)
        }
        const event: ReceivedEvent = JSON.parse(await asked.text())
        events.push(event)
        return new Response(null)
      },
      apns() {
        pushes += 1
        return new Response(null, { headers: { 'apns-id': `push-${pushes}` } })
      },
    },
    use(next) {
      deployment = next
    },
    useKey(key) {
      apiKey = key
    },
    async api(method, path, body) {
      const answer = await request(`${ORIGIN}${path}`, {
        method,
        headers: { authorization: `Basic ${btoa(`micromdm:${apiKey}`)}` },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      })
      return { status: answer.status, body: JSON.parse((await answer.text()) || '{}') }
    },
    newDevice: (serial) =>
      deviceOf({ serial, identity: createIdentity({ ca, commonName: serial, kind: 'ec' }) }),
    device: ({ serial, magic, token, ...identity }) =>
      deviceOf({
        serial,
        identity: identityFromPem(identity),
        push: { magic, token: new Uint8Array(Buffer.from(token, 'base64')) },
        state: 'enrolled',
      }),
  }
}

/** Asks until the answer will do. */
export async function until<Answer>(
  ask: () => Promise<Answer> | Answer,
  willDo: (answer: Answer) => boolean,
): Promise<Answer> {
  let last: Answer | undefined
  await expect
    .poll(
      async () => {
        last = await ask()
        return willDo(last) || last
      },
      { timeout: PATIENCE, interval: 20 },
    )
    .toBe(true)
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it was asked
  return last as Answer
}
