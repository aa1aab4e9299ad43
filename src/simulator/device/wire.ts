import { Buffer } from 'node:buffer'
import { signDetached } from '../../pki/cms/sign.ts'
import type { Digest } from '../../pki/asn1/oids.ts'
import { urlAtServer } from './enrolment.ts'
import type { SimulatedIdentity } from './identity.ts'
import type { OperatingSystem } from './os.ts'

/** The part of `fetch` that a device needs; the global one fits. */
export type Fetch = (
  url: string,
  init: {
    readonly method: string
    readonly headers: Record<string, string>
    readonly body?: Uint8Array<ArrayBuffer>
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

/** The parts that all channels of a device share: its way to the server, its identity, state and OS. */
export interface Wire {
  state: ManagementState
  identity: SimulatedIdentity
  os: OperatingSystem
  put(body: Uint8Array, to: Destination, headers: Record<string, string>): Promise<ServerAnswer>
  /** Fetches a file; `signed` as MDM does, with Mdm-Signature over the empty body. */
  get(url: string, signed: boolean): Promise<ServerAnswer>
}

export interface WireOptions {
  readonly fetch: Fetch
  readonly serverUrl: string
  readonly checkInUrl: string | undefined
  readonly identity: SimulatedIdentity
  readonly digest: Digest
  readonly os: OperatingSystem
  /** The origin of the server in profiles, when this machine reaches it at another one. */
  readonly publicOrigin: string | undefined
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
  const { state, identity, os } = options
  const wire: Wire = { state, identity, os, put, get }

  function signatureOf(body: Uint8Array) {
    const signature = signDetached({ ...wire.identity, body, digest })
    return { 'Mdm-Signature': Buffer.from(signature).toString('base64') }
  }

  async function answerTo(...request: Parameters<Fetch>): Promise<ServerAnswer> {
    const response = await options.fetch(...request)
    return {
      status: response.status,
      body: new Uint8Array(await response.arrayBuffer()),
      contentType: response.headers.get('content-type'),
    }
  }

  function get(url: string, signed: boolean): Promise<ServerAnswer> {
    const isServers = new URL(url).origin === options.publicOrigin
    const origin = isServers ? new URL(options.serverUrl).origin : undefined
    return answerTo(urlAtServer(url, origin), {
      method: 'GET',
      headers: {
        'User-Agent': wire.os.userAgent,
        ...(signed ? signatureOf(new Uint8Array()) : {}),
      },
    })
  }

  async function put(
    body: Uint8Array,
    to: Destination,
    headers: Record<string, string>,
  ): Promise<ServerAnswer> {
    const delivery = await answerTo(urls[to], {
      method: 'PUT',
      headers: {
        'Content-Type': CONTENT_TYPES[to],
        ...signatureOf(body),
        'User-Agent': wire.os.userAgent,
        ...headers,
      },
      body: new Uint8Array(body),
    })
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
