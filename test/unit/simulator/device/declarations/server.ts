import { createHash } from 'node:crypto'
import { KINDS, declarationKind } from '../../../../../src/ddm/kinds.ts'
import { asDict, textAt } from '../../../../../src/plist/dict.ts'
import { readPlist } from '../../../../../src/plist/read.ts'
import type { PlistDict } from '../../../../../src/plist/value.ts'
import {
  createSimulatedDevice,
  type DeviceOptions,
} from '../../../../../src/simulator/device/device.ts'
import {
  createIdentity,
  createIssuer,
  newKey,
} from '../../../../../src/simulator/device/identity.ts'
import type { Fetch } from '../../../../../src/simulator/device/wire.ts'
import { command } from '../../server.ts'

const ca = createIssuer({ commonName: 'Test CA', key: newKey('ec') })
export const identity = createIdentity({ ca, commonName: 'Test device', kind: 'ec' })

export interface Payload {
  readonly [key: string]: unknown
}

export interface File {
  readonly status?: number
  readonly type?: string
  readonly body?: string | Uint8Array
}

type Answer = {
  readonly status: number
  readonly body: string | Uint8Array
  readonly type?: string
}

/** The wire protocol of declarative management, in memory. It records each request. */
export function declarativeServer() {
  const requests: string[] = []
  const reports: Record<string, unknown>[] = []
  const headers: Record<string, string>[] = []
  const commands: Uint8Array[] = []
  const declarations = new Map<string, { Type: string; ServerToken: string; Payload: Payload }>()
  /** The status of the next answers to an endpoint. */
  const failures = new Map<string, number[]>()
  const files = new Map<string, File>()
  /** Runs before the answer to an endpoint. */
  const before = new Map<string, () => void>()
  let version = 0

  function token(): string {
    const lines = [...declarations].map(([name, { ServerToken }]) => `${name} ${ServerToken}\n`)
    return createHash('sha256').update(lines.toSorted().join('')).digest('hex')
  }

  const syncTokens = () =>
    JSON.stringify({
      SyncTokens: { DeclarationsToken: token(), Timestamp: '2026-11-28T04:00:00Z' },
    })

  function items() {
    const lists = Object.entries(KINDS).map(([kind, list]) => [
      list,
      [...declarations]
        .filter(([, { Type }]) => declarationKind(Type) === kind)
        .map(([Identifier, { ServerToken }]) => ({ Identifier, ServerToken })),
    ])
    return { Declarations: Object.fromEntries(lists), DeclarationsToken: token() }
  }

  function answerTo(message: PlistDict): Answer {
    const endpoint = textAt(message, 'Endpoint')
    requests.push(endpoint)
    before.get(endpoint)?.()
    const failure = failures.get(endpoint)?.shift()
    if (failure !== undefined) {
      return { status: failure, body: '' }
    }
    if (endpoint === 'status') {
      const data = message['Data']
      const text = new TextDecoder().decode(data instanceof Uint8Array ? data : new Uint8Array())
      reports.push(text.startsWith('{') ? (JSON.parse(text) as Payload) : { text })
      return { status: 200, body: '' }
    }
    if (endpoint === 'tokens' || endpoint === 'declaration-items') {
      const body = endpoint === 'tokens' ? syncTokens() : JSON.stringify(items())
      return { status: 200, body }
    }
    const Identifier = endpoint.split('/').slice(2).join('/')
    const found = declarations.get(Identifier)
    return found
      ? { status: 200, body: JSON.stringify({ Identifier, ...found }) }
      : { status: 404, body: '' }
  }

  function answer(url: string, method: string, body: Uint8Array | undefined): Answer {
    if (method === 'GET') {
      requests.push(`GET ${url}`)
      const file = files.get(url)
      return file
        ? {
            status: file.status ?? 200,
            body: file.body ?? '',
            ...(file.type && { type: file.type }),
          }
        : { status: 404, body: '' }
    }
    const message = asDict(readPlist(body ?? new Uint8Array()))
    if (message['MessageType'] === 'DeclarativeManagement') {
      return answerTo(message)
    }
    requests.push(textAt(message, 'MessageType') || textAt(message, 'Status'))
    const next = message['Status'] === undefined ? undefined : commands.shift()
    return { status: 200, body: next ?? '' }
  }

  const fetch: Fetch = (url, { method, headers: sent, body }) => {
    headers.push(sent)
    const { status, body: content, type } = answer(url, method, body)
    const init = { status, headers: type === undefined ? {} : { 'content-type': type } }
    return Promise.resolve(
      new Response(typeof content === 'string' ? content : content.slice(), init),
    )
  }

  return {
    fetch,
    reports,
    headers,
    failures,
    files,
    before,
    /** The requests since the last call. */
    took: () => requests.splice(0),
    put(Identifier: string, Type: string, Payload: Payload = {}) {
      version++
      declarations.set(Identifier, { Type, ServerToken: `v${version}`, Payload })
    },
    remove: (identifier: string) => declarations.delete(identifier),
    /** A configuration, and an activation that names it: `name` and `name.on`. */
    putActive(name: string, Type: string, Payload: Payload = {}, Predicate?: string) {
      this.put(name, Type, Payload)
      const StandardConfigurations = [name]
      this.put(`${name}.on`, 'com.apple.activation.simple', {
        StandardConfigurations,
        ...(Predicate !== undefined && { Predicate }),
      })
    },
    /** A command with the tokens. */
    notify(data: string | undefined = syncTokens()) {
      const Data = new TextEncoder().encode(data)
      commands.push(command(`c${version}`, 'DeclarativeManagement', data === '' ? {} : { Data }))
    },
    queue: (requestType: string, fields?: PlistDict) =>
      commands.push(command(requestType, requestType, fields)),
  }
}

export type DeclarativeServer = ReturnType<typeof declarativeServer>

export function deviceAt(server: DeclarativeServer, options: Partial<DeviceOptions> = {}) {
  return createSimulatedDevice({
    fetch: server.fetch,
    serverUrl: 'https://mdm.example.com/connect',
    checkInUrl: 'https://mdm.example.com/checkin',
    identity,
    platform: 'macOS',
    osVersion: '26.1',
    udid: '6A1B2C3D-4E5F-4A6B-8C7D-9E0F1A2B3C4D',
    serial: 'C02AB0CDEFGH',
    topic: 'com.apple.mgmt.External.test',
    ...options,
  })
}

export const TEST = 'com.apple.configuration.management.test'
export const ACTIVATION = 'com.apple.activation.simple'
export const SUBSCRIPTIONS = 'com.apple.configuration.management.status-subscriptions'

export function subscribe(...names: readonly string[]): Payload {
  return { StatusItems: names.map((Name) => ({ Name })) }
}
