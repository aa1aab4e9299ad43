/** The document of the API, and what has to be there before each example of it can be sent. */
import { readCertificate } from '../../src/pki/x509/certificate.ts'
import { pem } from '../../src/pki/x509/issue.ts'
import { AUDITED } from './audit-tools.ts'
import { BLUEPRINTS } from './blueprint-tools.ts'
import { CATALOG } from './catalog-tools.ts'
import { DEP } from './dep-api-tools.ts'
import { DEVICE_PAGE } from './device-page-tools.ts'
import { HEALTH } from './health-tools.ts'
import { deployed, pushCertificate } from './deployment.ts'
import { authorityItem, deviceItem, deviceThere, recordOf, settled, staged } from './move-tools.ts'
import {
  enrol,
  enrolByProfile,
  install,
  newAuthority,
  oneTimeChallenge,
  someKey,
} from './scep-client.ts'
import { api, enrolled, newDevice, until } from './server.ts'
import { KEYS } from './keys-api-tools.ts'
import { LIVE } from './live-tools.ts'
import { SEALING } from './seal-keys-tools.ts'
import { SETUPS } from './setup-tools.ts'
import { REPOSITORY } from './repo-tools.ts'
import { UPDATES } from './update-tools.ts'
import { deadLetter, newHook } from './webhook-tools.ts'

interface Media {
  schema: object
  example?: unknown
  examples?: Record<string, { value: unknown }>
}
export interface Operation {
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
  components: { schemas: Record<string, object>; responses: Operation['responses'] }
}

export const document = (await api<Document>('GET', '/api/openapi.json')).body

const PROFILE = 'com.github.micromdm.micromdm.enroll'

type Send = (method: string, path: string, body?: unknown) => Promise<Response>

/**
 * What takes the place of the example's ids, in its path, query or body, and the deployment to ask if it is
 * not the tests' own.
 */
interface Prepared {
  ids?: Record<string, string>
  /** Sent in place of the example, under the same keys, where a document cannot hold a real one. */
  body?: Record<string, unknown>
  send?: Send
}

/** Makes what an operation's examples speak of. */
type Prepare = () => Promise<Prepared>

/** With the OS that the examples of filters name. */
async function enrolledIds() {
  const device = await enrolled({ osVersion: '15.1' })
  return { ids: { id: device.udid } }
}

async function identified() {
  const { ids } = await enrolledIds()
  const { body } = await api<{ items: { id: string }[] }>(
    'GET',
    `/api/devices/${ids.id}/identities`,
  )
  return { ids: { ...ids, identity_id: body.items[0]?.id ?? '' } }
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

async function storedProfile() {
  const path = '/api/profiles/{id}'
  const media = document.paths[path]?.['put']?.requestBody?.content['application/json']
  await api('PUT', path.replace('{id}', PROFILE), media?.examples?.['plain']?.value)
  return { ids: { id: PROFILE } }
}

async function storedFile() {
  const path = '/api/files/account.json'
  await api('PUT', path, '{}')
  return { ids: { id: 'account.json' } }
}

async function channelled() {
  const userId = crypto.randomUUID()
  const device = newDevice()
  await device.enroll()
  await device.userChannel({ userId, shortName: 'ada' }).tokenUpdate()
  return { ids: { id: userId } }
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

/** A CA to install. The document holds no private key, not even an unused one. */
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

async function invited() {
  const { body } = await api<{ id: string }>('POST', '/api/invitations', {})
  return { ids: { id: body.id } }
}

async function known() {
  await api('POST', '/api/known-serials', { ids: ['C02EXAMPLE'] })
  return { ids: { id: 'C02EXAMPLE' } }
}

/** A certificate that no device has used. */
async function unused() {
  await install(newAuthority())
  const { certificate } = await enrol({ challenge: await oneTimeChallenge(), key: someKey })
  return { ids: { id: readCertificate(certificate).fingerprint } }
}

async function successor() {
  const first = newAuthority()
  await install(first)
  await install(newAuthority())
  return { ids: { id: first.certificate.keyId } }
}

async function hooked() {
  return { ids: { id: (await newHook()).id } }
}

async function dead() {
  const { id, hook } = await deadLetter()
  return { ids: { id, webhook_id: hook.id } }
}

async function posted() {
  const { hook, device } = await deadLetter()
  return { ids: { id: hook.id, device_id: device.udid } }
}

async function delivered() {
  const { hook, device } = await deadLetter()
  return { ids: { id: device.udid, webhook_id: hook.id } }
}

/** Some enrolled Mac, listed as enrolled, for whom a filter looks. */
async function listed() {
  const prepared = await enrolledIds()
  await until(
    () => api<{ devices: { enrollment_status: boolean }[] }>('POST', '/v1/devices', {}),
    ({ body }) => body.devices.some((device) => device.enrollment_status),
  )
  return prepared
}

async function atWork() {
  const { body } = await api<{ id: string }>('POST', '/api/commands', {
    ids: [crypto.randomUUID()],
    command: { request_type: 'ProfileList' },
  })
  return { ids: { id: body.id } }
}

async function moving() {
  await settled()
  const device = deviceItem(recordOf(deviceThere()))
  const kept = { kind: 'kept', id: 'dep_device/C02XK1ZZJG5J', data: btoa('record') }
  return { ids: { id: await staged([authorityItem, device, kept]) } }
}

export const PREPARE: Record<string, Prepare> = {
  ...DEVICE_PAGE,
  listDevices: inventoried,
  getDevice: inventoried,
  listEvents: inventoried,
  queueCommand: enrolledIds,
  listCommands: inventoried,
  clearCommands: inventoried,
  getCommand: answered,
  listCommandTypes: async () => ({}),
  getCommandType: async () => ({}),
  getResult: answered,
  cancelCommand: commanded,
  releaseCommands: async () => ({ ids: { id: (await held()).id } }),
  releaseCommand: async () => ({ ids: { id: (await held()).command } }),
  listWaiting: async () => ({ ids: (await expectedUser()).ids }),
  clearWaiting: async () => ({ ids: (await expectedUser()).ids }),
  moveCommands: expectedUser,
  getEnrollment: async () => ({ send: deployed({ ENROLLMENT: 'token' }) }),
  listEnrollmentSteps: enrolledIds,
  createInvitation: enrolledIds,
  listInvitations: invited,
  getInvitation: invited,
  revokeInvitation: invited,
  listKnownSerials: known,
  addKnownSerials: enrolledIds,
  removeKnownSerials: async () => ({}),
  removeKnownSerial: known,
  listIdentities: enrolledIds,
  listAuthorities: successor,
  installAuthority: authority,
  removeAuthority: successor,
  dropCertificate: unused,
  revokeChallenges: async () => ({}),
  reinstateIdentity: identified,
  revokeIdentity: identified,
  retireDevice: enrolledIds,
  blockDevice: enrolledIds,
  unblockDevice: enrolledIds,
  deleteDevice: enrolledIds,
  pushDevice: enrolledIds,
  listUserChannels: channelled,
  listProfiles: storedProfile,
  getProfile: storedProfile,
  storeProfile: async () => ({}),
  deleteProfile: storedProfile,
  listFiles: storedFile,
  getFile: storedFile,
  getFileContent: storedFile,
  storeFile: async () => ({}),
  deleteFile: storedFile,
  decideEnrollments: async () => ({ body: { ids: [(await contested()).id], decision: 'new' } }),
  requeueCommands: async () => ({ ids: { id: (await contested()).id } }),
  confirmSerialNumber: serialised,
  listEscrow: escrowed,
  listEscrowReads: escrowed,
  readEscrow: escrowed,
  revealCommand: locked,
  getPushCertificate: pushing,
  queueCommands: listed,
  previewCommands: listed,
  releaseMoved: listed,
  listJobs: atWork,
  getJob: atWork,
  listOutcomes: atWork,
  cancelJob: atWork,
  pauseJob: atWork,
  resumeJob: atWork,
  listIdentitiesByExpiry: enrolledIds,
  getRenewals: enrolledIds,
  setRenewals: enrolledIds,
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
  listPosts: posted,
  listDeliveries: delivered,
  listDeadLetters: dead,
  retryDeadLetters: dead,
  retryDeadLetter: dead,
  deleteDeadLetter: dead,
  replay: listed,
  openMove: moving,
  listMoves: moving,
  getMove: moving,
  putMoveItems: moving,
  listMoveItems: moving,
  activateMove: moving,
  discardMove: moving,
  revealMoveItem: moving,
  exportDevices: enrolledIds,
  ...AUDITED,
  ...CATALOG,
  ...KEYS,
  ...LIVE,
  ...SEALING,
  ...SETUPS,
  ...REPOSITORY,
  ...UPDATES,
  ...HEALTH,
  ...DEP,
  ...BLUEPRINTS,
  ...DEP,
}
