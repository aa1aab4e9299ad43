/**
 * A fuzz run over all routes: the same seed sends the same requests, and what a server must never do is
 * told.
 */
import { readCertificate } from '../../src/pki/x509/certificate.ts'
import type { SimulatedDevice } from '../../src/simulator/device/device.ts'
import { fetchAlone } from '../e2e/server.ts'
import { enrolled, hostileDevice } from './device.ts'
import type { FuzzRequest, Material, Operation } from './fuzz/material.ts'
import { makeRequest } from './fuzz/requests.ts'
import type { Json } from './fuzz/mutate.ts'
import { apiKeyOf, queue, queueApi, type Scene } from './scene.ts'
import { LIBRARY_WORDS } from './stranger.ts'
import { callRaw, type WireAnswer } from './wire.ts'

export interface Fault {
  /** Number of the request in the run. */
  readonly index: number
  readonly what: string
  readonly request: FuzzRequest
}

export interface FuzzOptions {
  readonly seed: number
  /** Numbers of the requests to send. */
  readonly from: number
  readonly to: number
  readonly onFault: (fault: Fault) => void
  /** Milliseconds for an answer. */
  readonly patience?: number
}

/** Admins' routes that everybody may read. */
const OPEN = new Set(['/version', '/api/docs', '/api/openapi.json'])
/** How often it is seen whether devices that enrolled before still work. */
const LOOK_AFTER_EVERY = 200

/** Sends the requests one after the other. @returns how many faults there were */
export async function fuzz(scene: Scene, options: FuzzOptions): Promise<number> {
  const { seed, from, to, patience } = options
  const { material, canaries } = await prepare(scene)
  const log = logReader(scene)
  const recent: Omit<Fault, 'what'>[] = []
  let faults = 0
  const tell = (fault: Fault): void => {
    faults += 1
    options.onFault(fault)
  }
  for (let index = from; index < to; index++) {
    const request = makeRequest(material, seed, index)
    const sent = { index, request }
    recent.push(sent)
    recent.splice(0, recent.length - 20)
    const what = await callRaw(scene.url, request, patience).then(
      (answer) => faultOf(request, answer),
      (error: unknown) => String(error),
    )
    if (what !== undefined) {
      tell({ ...sent, what })
    }
    for (const line of log.next()) {
      // The log comes by another way, and may tell of a request shortly before.
      const path = /"path":"([^"]*)"/.exec(line)?.[1]
      const cause = recent.findLast((one) => pathOf(one.request) === path) ?? sent
      tell({ ...cause, what: `the log: ${line.slice(0, 600)}` })
    }
    const isLast = index === to - 1
    if (isLast || index % LOOK_AFTER_EVERY === LOOK_AFTER_EVERY - 1) {
      const broken = await brokenBy(scene, canaries)
      if (broken !== undefined) {
        tell({ index, what: broken, request })
        if (scene.server.process.exitCode !== null) {
          break
        }
      }
    }
  }
  return faults
}

function pathOf({ target }: Pick<FuzzRequest, 'target'>): string {
  return target.split('?')[0] ?? ''
}

/** What is wrong with an answer. */
export function faultOf(
  { kind, authorized, method, target }: FuzzRequest,
  { status, text }: WireAnswer,
): string | undefined {
  const path = pathOf({ target })
  const said = `${status} ${text.slice(0, 300)}`
  const isForeign = kind === 'admin' && !/^\/+api\b(?!\/v1\/ddm\/)/i.test(path)
  const isMistake = status === 500 && (method === 'HEAD' || /^\{\s*"error": ?/.test(text))
  // workerd's own answer: the Worker is not asked.
  const isNoMethod = status === 501 && text === 'ERROR: Unrecognized request method.'
  if (status === 0) {
    return 'the connection was closed without an answer'
  }
  if (LIBRARY_WORDS.test(text)) {
    return `a library’s words: ${said}`
  }
  // MicroMDM and KMFDDM say 500 of most mistakes of an admin.
  if (status >= 500 && status !== 503 && !isNoMethod && !(isForeign && isMistake)) {
    return said
  }
  if (kind !== 'admin' && (status === 401 || status === 403)) {
    return `a device would take it for the end of its management: ${said}`
  }
  if (kind === 'admin' && !authorized && status < 300 && !OPEN.has(path)) {
    return `without the API key: ${said}`
  }
  return undefined
}

/** Lines of the server’s output that report an unexpected fault. */
function logReader({ server }: Scene) {
  const foreseen =
    /^\{"time":"[^"]+","level":"(?:info|warn)","event":"(?!http:error|push:not-sent|push:device-unreachable|webhook:device-unreachable|workerd:output)/
  let read = server.output().length
  return {
    next(): string[] {
      const end = server.output().lastIndexOf('\n') + 1
      const lines = server.output().slice(read, end).split('\n')
      read = Math.max(read, end)
      return lines.filter((line) => line !== '' && !foreseen.test(line))
    },
  }
}

interface Prepared {
  readonly material: Material
  readonly canaries: readonly SimulatedDevice[]
}

async function prepare(scene: Scene): Promise<Prepared> {
  const { server } = scene
  const sender = await hostileDevice(scene)
  const targets = [await enrolled(scene), await enrolled(scene, { platform: 'iPadOS' })]
  const canaries = [
    await enrolled(scene, { answer: () => 'Acknowledged' }),
    await enrolled(scene, { platform: 'iOS', answer: () => 'Acknowledged' }),
  ]
  const [first = '', second = ''] = targets.map(({ udid }) => udid)
  const command = await queueApi(scene, first, { request_type: 'SecurityInfo' })
  await queue(scene, sender.udid, 'ProfileList')
  const hook = await server.api<{ id: string }>('POST', '/api/webhooks', {
    url: scene.hook.url,
  })
  const job = await server.api<{ id: string }>('POST', '/api/commands', {
    ids: [first, second],
    command: { request_type: 'ProfileList' },
  })
  const ca = await fetchAlone(`${scene.url}/scep?operation=GetCACert`)
  return {
    canaries,
    material: {
      apiKey: apiKeyOf(server),
      sender,
      targets: [first, second, `${first}:unknown`],
      canaries: canaries.map(({ udid }) => udid),
      ids: {
        commands: [command],
        webhooks: [hook.body.id],
        jobs: [job.body.id],
      },
      operations: await operationsOf(scene),
      ca: readCertificate(new Uint8Array(await ca.arrayBuffer())),
    },
  }
}

interface Document {
  paths: Record<
    string,
    Record<
      string,
      {
        parameters?: {
          name: string
          in: string
          schema: { example?: string | number; default?: string | number }
        }[]
        requestBody?: {
          content: Record<string, { example?: Json; examples?: Record<string, { value: Json }> }>
        }
      }
    >
  >
}

async function operationsOf({ server }: Scene): Promise<Operation[]> {
  const { body } = await server.api<Document>('GET', '/api/openapi.json')
  return Object.entries(body.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { parameters = [], requestBody }]) => ({
      method: method.toUpperCase(),
      path,
      query: parameters
        .filter((one) => one.in === 'query')
        .map(({ name, schema }) => ({
          name,
          example: String(schema.example ?? schema.default ?? '1'),
        })),
      bodies: Object.values(requestBody?.content ?? {}).flatMap(({ example, examples = {} }) => [
        ...(example === undefined ? [] : [example]),
        ...Object.values(examples).map(({ value }) => value),
      ]),
    })),
  )
}

/** Says which device that enrolled before the run no longer gets and answers its commands. */
async function brokenBy(
  scene: Scene,
  canaries: readonly SimulatedDevice[],
): Promise<string | undefined> {
  for (const canary of canaries) {
    try {
      const command_uuid = crypto.randomUUID()
      const queued = await queue(scene, canary.udid, 'SecurityInfo', { command_uuid })
      const session = await canary.poll()
      if (queued.status !== 201 || !canary.received.some(({ uuid }) => uuid === command_uuid)) {
        return `a device works no longer: ${JSON.stringify([queued, session])}`
      }
    } catch (error) {
      return `the server answers no more: ${String(error)}`
    }
  }
  return undefined
}

/** The request for a reader, with its body as text where it is text. */
export function describeRequest({ method, target, headers, body }: FuzzRequest): string {
  const text = Buffer.from(body).toString()
  const isText = Buffer.from(text).equals(Buffer.from(body))
  const lines = headers.map(([name, value]) => `  ${name}: ${value}`)
  const shown = isText ? text : `base64 ${Buffer.from(body).toString('base64')}`
  return [`  ${method} ${target}`, ...lines, '', `  ${shown}`].join('\n')
}
