import { describe, expect, it } from 'vitest'
import { z } from 'zod/v4'
import { pem } from '../../src/pki/issue.ts'
import { deployed, pushCertificate } from './deployment.ts'
import { enrolByProfile, install, newAuthority } from './scep-client.ts'
import { api, newDevice, serve, until } from './server.ts'
import { deadLetter, newHook } from './webhook-tools.ts'

interface Media {
  schema: object
  example?: unknown
  examples?: Record<string, { value: unknown }>
}
interface Operation {
  operationId: string
  parameters?: {
    name: string
    in: string
    required?: boolean
    schema: { example?: string | number }
  }[]
  requestBody?: { content: Record<string, Media> }
  responses: Record<string, { content?: Record<string, Media> }>
}
interface Document {
  openapi: string
  servers: { url: string }[]
  paths: Record<string, Record<string, Operation>>
  components: { schemas: Record<string, object> }
}

const document = (await api<Document>('GET', '/api/openapi.json')).body

type Send = (method: string, path: string, body?: unknown) => Promise<Response>

/** What takes the place of the example's ids, in its path, query or body, and the deployment to ask if it is not the tests' own. */
interface Prepared {
  ids?: Record<string, string>
  /** Sent in place of the example, under the same keys, where a document cannot hold a real one. */
  body?: Record<string, unknown>
  send?: Send
}

/** Makes what an operation's examples speak of. */
type Prepare = () => Promise<Prepared>

/** With the OS that the examples of filters name. */
async function enrolled() {
  const device = newDevice({ osVersion: '15.1' })
  await device.enroll()
  return { ids: { id: device.udid } }
}

async function identified() {
  const { ids } = await enrolled()
  const { body } = await api<{ identities: { fingerprint: string }[] }>(
    'GET',
    `/api/devices/${ids.id}/identities`,
  )
  return { ids: { ...ids, fingerprint: body.identities[0]?.fingerprint ?? '' } }
}

async function escrowed() {
  const device = newDevice({ platform: 'iOS' })
  await device.authenticate()
  await device.tokenUpdate({ unlockToken: new Uint8Array(8) })
  return { ids: { id: device.udid } }
}

async function serialised() {
  const device = newDevice()
  await device.enroll()
  return { ids: { id: device.udid }, body: { serial_number: device.serial } }
}

async function pushing() {
  return { send: deployed({ PUSH_CERTIFICATE: pushCertificate().pem }) }
}

async function commanded() {
  const device = newDevice()
  await device.enroll()
  const body = { request_type: 'DeviceInformation', queries: ['OSVersion'] }
  const queued = await api<{ id: string }>('POST', `/api/devices/${device.udid}/commands`, body)
  return { device, ids: { id: queued.body.id } }
}

/** A device that enrolled after a secret command was queued for it. */
async function held() {
  const device = newDevice()
  const path = `/api/devices/${device.udid}/commands`
  const queued = await api<{ id: string }>('POST', path, { request_type: 'EraseDevice' })
  await device.enroll()
  return { id: device.udid, command: queued.body.id }
}

/** A device with whose id another certificate has enrolled. */
async function contested() {
  const { udid, serial } = newDevice()
  await newDevice({ udid, serial }).enroll()
  await newDevice({ udid, serial }).enroll()
  return { id: udid }
}

/** A Mac's user, for whom something was queued before it had a channel. */
async function expectedUser() {
  const id = crypto.randomUUID()
  await api('POST', `/api/devices/${id}/commands`, { request_type: 'ProfileList' })
  const device = newDevice()
  await device.enroll()
  await device.userChannel({ userId: id, shortName: 'ada' }).tokenUpdate()
  return { ids: { id }, body: { to: `${device.udid}:${id}` } }
}

async function locked() {
  const device = newDevice()
  await device.enroll()
  const body = { request_type: 'DeviceLock', pin: '123456' }
  const queued = await api<{ id: string }>('POST', `/api/devices/${device.udid}/commands`, body)
  await device.poll()
  return { ids: { id: queued.body.id } }
}

async function answered() {
  const { device, ids } = await commanded()
  await device.poll()
  return { device, ids }
}

/** Renewable: enrolled by a profile of ours, with an identity from our CA. */
async function byProfile() {
  await install(newAuthority())
  return { ids: { id: (await enrolByProfile()).udid } }
}

/** With all that a device's page can tell. */
async function inventoried() {
  const device = newDevice()
  await device.enroll()
  for (const request_type of ['SecurityInfo', 'ProfileList', 'InstalledApplicationList']) {
    await api('POST', `/api/devices/${device.udid}/commands`, { request_type })
  }
  await device.poll()
  await api('POST', `/api/devices/${device.udid}/commands`, { request_type: 'RestartDevice' })
  return { ids: { id: device.udid } }
}

/** A CA to install; no private key, not even of nobody, stands in a document. */
async function authority() {
  const { certificate, key } = newAuthority()
  return {
    body: {
      certificate: pem('CERTIFICATE', certificate.der),
      private_key: String(key.export({ type: 'pkcs8', format: 'pem' })),
      imported: false,
    },
  }
}

async function behindToken() {
  return { send: deployed({ ENROLLMENT: 'token' }) }
}

async function invited() {
  const { body } = await api<{ invitation: { id: string } }>('POST', '/api/invitations', {})
  return { ids: { id: body.invitation.id } }
}

async function known() {
  await api('POST', '/api/known-serials', { serials: ['C02EXAMPLE'] })
  return {}
}

async function successor() {
  const first = newAuthority()
  await install(first)
  await install(newAuthority())
  return { ids: { key_id: first.certificate.keyId } }
}

async function hooked() {
  return { ids: { id: (await newHook()).id } }
}

async function dead() {
  const { id, hook, device } = await deadLetter()
  return { ids: { id, webhook: hook.id, device: device.udid } }
}

/** Some enrolled Mac, listed as enrolled, for whom a filter looks. */
async function listed() {
  const prepared = await enrolled()
  await until(
    () => api<{ devices: { enrollment_status: boolean }[] }>('POST', '/v1/devices', {}),
    ({ body }) => body.devices.some((device) => device.enrollment_status),
  )
  return prepared
}

async function atWork() {
  const { body } = await api<{ job: { id: string } }>('POST', '/api/commands', {
    ids: [crypto.randomUUID()],
    command: { request_type: 'ProfileList' },
  })
  return { ids: { id: body.job.id } }
}

const PREPARE: Record<string, Prepare> = {
  listDevices: inventoried,
  getDevice: inventoried,
  listEvents: inventoried,
  queueCommand: enrolled,
  listCommands: inventoried,
  clearCommands: inventoried,
  getCommand: answered,
  getResult: answered,
  cancelCommand: commanded,
  releaseCommands: async () => ({ ids: { id: (await held()).id } }),
  releaseCommand: async () => ({ ids: { id: (await held()).command } }),
  listWaiting: async () => ({ ids: (await expectedUser()).ids }),
  clearWaiting: async () => ({ ids: (await expectedUser()).ids }),
  moveCommands: expectedUser,
  getEnrollment: behindToken,
  createInvitation: enrolled,
  listInvitations: invited,
  getInvitation: invited,
  revokeInvitation: invited,
  listKnownSerials: known,
  addKnownSerials: enrolled,
  removeKnownSerials: async () => ({}),
  removeKnownSerial: known,
  listIdentities: enrolled,
  listAuthorities: successor,
  installAuthority: authority,
  removeAuthority: successor,
  revokeChallenges: async () => ({}),
  reinstateIdentity: identified,
  revokeIdentity: identified,
  retireDevice: enrolled,
  decideEnrollments: async () => ({ body: { ids: [(await contested()).id], decision: 'new' } }),
  requeueCommands: async () => ({ ids: { id: (await contested()).id } }),
  confirmSerialNumber: serialised,
  listEscrow: escrowed,
  readEscrow: escrowed,
  revealCommand: locked,
  getPushCertificate: pushing,
  queueCommands: listed,
  listJobs: atWork,
  getJob: atWork,
  listOutcomes: atWork,
  cancelJob: atWork,
  listIdentitiesByExpiry: enrolled,
  getRenewals: enrolled,
  setRenewals: enrolled,
  renewDevice: byProfile,
  listWebhooks: hooked,
  createWebhook: hooked,
  getWebhook: hooked,
  changeWebhook: hooked,
  deleteWebhook: hooked,
  rotateSecret: hooked,
  pauseWebhook: hooked,
  resumeWebhook: hooked,
  testWebhook: hooked,
  listDeliveries: dead,
  listDeadLetters: dead,
  retryDeadLetters: dead,
  retryDeadLetter: dead,
  deleteDeadLetter: dead,
  replay: listed,
}

interface Example {
  name: string
  operation: Operation
  method: string
  path: string
  body: unknown
}

const examples: Example[] = Object.entries(document.paths).flatMap(([path, item]) =>
  Object.entries(item).flatMap(([method, operation]) => {
    const media = operation.requestBody?.content['application/json']
    const bodies = media ? Object.entries(media.examples ?? {}) : [['', { value: undefined }]]
    return bodies.map(([name, shown]) => ({
      name: `${operation.operationId} ${name as string}`.trim(),
      operation,
      method: method.toUpperCase(),
      path,
      body: (shown as { value: unknown }).value,
    }))
  }),
)

/** The schema of an answer as the document tells it; properties that it does not tell of are faults. */
function check(schema: object, value: unknown): void {
  const closed = JSON.parse(
    JSON.stringify({ $defs: document.components.schemas, ...schema }).replaceAll(
      '#/components/schemas/',
      '#/$defs/',
    ),
    (_, found: unknown) =>
      typeof found === 'object' && found !== null && 'properties' in found
        ? { additionalProperties: false, ...found }
        : found,
  )
  expect(z.fromJSONSchema(closed).safeParse(value)).toMatchObject({ success: true })
}

describe('the document of the API', () => {
  it('is OpenAPI 3.1, and every operation has an id, a summary, an example body and a way to be tested', () => {
    expect(document.openapi).toBe('3.1.0')
    const operations = Object.values(document.paths).flatMap((item) => Object.values(item))
    expect(operations.map(({ operationId }) => operationId).toSorted()).toEqual(
      Object.keys(PREPARE).toSorted(),
    )
    expect(operations).toHaveLength(new Set(operations.map((one) => one.operationId)).size)
    for (const { requestBody, ...operation } of operations) {
      expect(operation).toMatchObject({ summary: expect.any(String), tags: [expect.any(String)] })
      if (requestBody) {
        expect(requestBody.content['application/json']?.examples).toBeDefined()
      }
    }
  })

  it.each(examples)('holds for its example $name', async ({ operation, method, path, body }) => {
    const prepared = (await PREPARE[operation.operationId]?.()) ?? {}
    const { ids = {}, send = deployed({}) } = prepared
    if (prepared.body) {
      expect(Object.keys(prepared.body)).toEqual(Object.keys(Object(body)))
    }
    const query = new URLSearchParams()
    let target = path
    for (const { name, in: where, schema } of operation.parameters ?? []) {
      const value = ids[name] ?? schema.example
      if (where === 'path') {
        target = target.replace(`{${name}}`, encodeURIComponent(String(value)))
      } else if (where === 'query' && value !== undefined) {
        query.set(name, String(value))
      }
    }
    const response = await send(method, `${target}?${query.toString()}`, prepared.body ?? body)
    const declared = operation.responses[response.status]
    expect(response.status, await response.clone().text()).toBeLessThan(300)
    expect(declared, `status ${response.status} is not declared`).toBeDefined()
    const media = declared?.content?.['application/json']
    if (media) {
      check(media.schema, media.example)
      check(media.schema, await response.json())
    }
  })

  it('says of every operation that it may answer a problem document, and where the deployment is', async () => {
    const { body: wrong } = await api('GET', '/api/jobs?limit=none')
    expect(document.components.schemas['Problem']).toBeDefined()
    for (const { responses } of Object.values(document.paths).flatMap(Object.values<Operation>)) {
      for (const status of ['401', 'default']) {
        const media = responses[status]?.content?.['application/problem+json']
        check(media?.schema ?? { not: {} }, wrong)
      }
    }
    expect(document.servers).toEqual([{ url: '/' }])
    const told = await deployed({ PUBLIC_URL: 'https://mdm.example.com/' })(
      'GET',
      '/api/openapi.json',
    )
    expect(await told.json()).toMatchObject({ servers: [{ url: 'https://mdm.example.com' }] })
  })

  it('is also a page that needs nothing from elsewhere', async () => {
    const response = await serve('/api/docs')
    expect(response.headers.get('content-security-policy')).toContain("default-src 'none'")
    const page = await response.text()
    expect(page).not.toMatch(/(src|href)="https?:/)
    // Code in descriptions is marked up; in a schema's JSON it stays as the document has it.
    expect(page.replaceAll(/<pre>.*?<\/pre>/gs, '')).not.toContain('`')
    expect(page).toContain('<code>&quot;replay&quot;: true</code>')
    for (const { operation } of examples) {
      expect(page).toContain(`id="${operation.operationId}"`)
    }
  })
})
