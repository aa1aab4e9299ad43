import { Buffer } from 'node:buffer'
import { signDetached } from '../../pki/cms/sign.ts'
import type { Digest } from '../../pki/asn1/oids.ts'
import type { SimulatedIdentity } from './identity.ts'

/** The part of `fetch` that a device needs; the global one fits. */
export type Fetch = (
  url: string,
  init: {
    readonly method: string
    readonly headers: Record<string, string>
    readonly body: Uint8Array<ArrayBuffer>
  },
) => Promise<{
  readonly status: number
  readonly headers: { get(name: string): string | null }
  arrayBuffer(): Promise<ArrayBuffer>
}>

/** The address in the enrolment profile that a message goes to. */
export type Destination = 'checkIn' | 'connect'

export interface ServerAnswer {
  readonly status: number
  readonly body: Uint8Array
  readonly contentType: string | null
}

/** The state of management on a device: `unmanaged` once the server has ended it. */
export type ManagementState = 'new' | 'enrolled' | 'unmanaged'

/** The parts that all channels of a device share: its way to the server, its identity and its state. */
export interface Wire {
  state: ManagementState
  identity: SimulatedIdentity
  put(body: Uint8Array, to: Destination, headers: Record<string, string>): Promise<ServerAnswer>
}

export interface WireOptions {
  readonly fetch: Fetch
  readonly serverUrl: string
  readonly checkInUrl: string | undefined
  readonly identity: SimulatedIdentity
  readonly digest: Digest
  readonly userAgent: string
  readonly state: ManagementState
}

/** Apple's media types (Apple: "Check-in", "Sending MDM commands to a device"). */
const CONTENT_TYPES: Readonly<Record<Destination, string>> = {
  checkIn: 'application/x-apple-aspen-mdm-checkin',
  connect: 'application/x-apple-aspen-mdm; charset=UTF-8',
}

export function createWire(options: WireOptions): Wire {
  const urls = {
    checkIn: options.checkInUrl ?? options.serverUrl,
    connect: options.serverUrl,
  }
  const { digest } = options
  const wire: Wire = { state: options.state, identity: options.identity, put }

  async function put(
    body: Uint8Array,
    to: Destination,
    headers: Record<string, string>,
  ): Promise<ServerAnswer> {
    const signature = signDetached({ ...wire.identity, body, digest })
    const response = await options.fetch(urls[to], {
      method: 'PUT',
      headers: {
        'Content-Type': CONTENT_TYPES[to],
        'Mdm-Signature': Buffer.from(signature).toString('base64'),
        'User-Agent': options.userAgent,
        ...headers,
      },
      body: new Uint8Array(body),
    })
    const delivery = {
      status: response.status,
      body: new Uint8Array(await response.arrayBuffer()),
      contentType: response.headers.get('content-type'),
    }
    if (endsManagement(delivery)) {
      wire.state = 'unmanaged'
    }
    return delivery
  }

  return wire
}

/** The two answers on which a device removes its management profile (docs/unproven.md). */
function endsManagement({ status, body }: ServerAnswer): boolean {
  return (
    status === 401 ||
    (status === 403 && new TextDecoder().decode(body).includes('com.apple.unrecognized.device'))
  )
}

export function isDelivered({ status }: ServerAnswer): boolean {
  return status >= 200 && status < 300
}
