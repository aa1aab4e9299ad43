/** The calls of Apple's service by method and path. */
import { asOfVersion, abmDevice, recordOf, removeAbmDevice } from './devices.ts'
import { fetchPage, PAGE_LIMIT, syncPage } from './pages.ts'
import {
  assignProfile,
  defineAbmProfile,
  ownDevice,
  readProfileOf,
  removeProfiles,
} from './profiles.ts'
import { AppleRefusal, type DepRequest, type DepService, serialsIn, textIn } from './service.ts'

/** The JSON of a good answer; undefined for an empty body. */
type Call = (service: DepService, request: DepRequest) => unknown

const ACCOUNT_DRIVEN = '/account-driven-enrollment/profile'

export const DEP_CALLS: ReadonlyMap<string, Call> = new Map<string, Call>([
  ['GET /account', describeAccount],
  ['POST /server/devices', fetchPage],
  ['POST /devices/sync', syncPage],
  ['POST /devices', describeDevices],
  ['POST /devices/disown', disownDevices],
  ['POST /profile', defineAbmProfile],
  ['GET /profile', readProfileOf],
  ['POST /profile/devices', assignProfile],
  ['PUT /profile/devices', assignProfile],
  ['DELETE /profile/devices', removeProfiles],
  ['POST /device/activationlock', lockActivation],
  ['GET /device/replacementDetails', describeReplacement],
  [`POST ${ACCOUNT_DRIVEN}`, setDiscoveryUrl],
  [`GET ${ACCOUNT_DRIVEN}`, readDiscoveryUrl],
  [`DELETE ${ACCOUNT_DRIVEN}`, clearDiscoveryUrl],
  ['GET /os-beta-enrollment/tokens', listBetaTokens],
])

/** Calls whose number of items `GET /account` limits. */
const LIMITED: readonly (readonly [uri: string, methods: readonly string[]])[] = [
  ['/server/devices', ['POST']],
  ['/devices/sync', ['POST']],
  ['/devices', ['POST']],
  ['/devices/disown', ['POST']],
  ['/profile/devices', ['POST', 'PUT', 'DELETE']],
]
const OTHERS: readonly (readonly [uri: string, methods: readonly string[]])[] = [
  ['/account', ['GET']],
  ['/profile', ['GET', 'POST']],
  ['/device/activationlock', ['POST']],
]

function describeAccount(_service: DepService, { server, version }: DepRequest): unknown {
  const admin = 'admin@example.com'
  return {
    server_name: server.name,
    server_uuid: server.uuid,
    admin_id: admin,
    facilitator_id: admin,
    org_name: 'Example Org',
    org_email: admin,
    org_phone: '555-0100',
    org_address: '1 Example Street, Exampleton',
    ...(version < 3
      ? {}
      : {
          org_id: '12345678',
          org_id_hash: '5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8',
          org_type: 'org',
          org_version: 'v2',
          urls: [
            ...LIMITED.map(([uri, methods]) => ({
              uri,
              http_method: methods,
              limit: PAGE_LIMIT,
            })),
            ...OTHERS.map(([uri, methods]) => ({ uri, http_method: methods })),
          ],
        }),
  }
}

function describeDevices(service: DepService, request: DepRequest): unknown {
  const entries = serialsIn(service, request).map((serial) => {
    const device = ownDevice(service, request, serial)
    return [
      serial,
      device
        ? { ...asOfVersion(recordOf(device), request.version), response_status: 'SUCCESS' }
        : { serial_number: serial, response_status: 'NOT_ACCESSIBLE' },
    ]
  })
  return { devices: Object.fromEntries(entries) }
}

/** Cannot be undone. Only servers that Apple Business Manager allows it to may do it. */
function disownDevices(service: DepService, request: DepRequest): unknown {
  const entries = serialsIn(service, request).map((serial) => {
    if (!ownDevice(service, request, serial)) {
      return [serial, 'NOT_ACCESSIBLE']
    }
    if (!service.behaviour.mayDisown) {
      return [serial, 'FAILED']
    }
    removeAbmDevice(service, serial)
    return [serial, 'SUCCESS']
  })
  return { devices: Object.fromEntries(entries) }
}

function lockActivation(service: DepService, request: DepRequest): unknown {
  const serial = textIn(request.body, 'device')
  if (serial === '') {
    throw new AppleRefusal(400, 'MALFORMED_REQUEST_BODY')
  }
  const device = ownDevice(service, request, serial)
  const status = device ? service.behaviour.activationLock : 'NOT_ACCESSIBLE'
  const isLocked = device !== undefined && device.lock !== ''
  if (device && !isLocked && status === 'SUCCESS') {
    device.lock = textIn(request.body, 'escrow_key') || 'no escrow key'
  }
  return {
    serial_number: serial,
    response_status: isLocked && status === 'SUCCESS' ? 'DEVICE_ALREADY_LOCKED' : status,
  }
}

/** The names of the two keys are a guess: Apple's page is not among our sources. */
function describeReplacement(service: DepService, request: DepRequest): unknown {
  const serial = request.query.get('device') ?? ''
  if (serial === '') {
    throw new AppleRefusal(400, 'DEVICE_ID_REQUIRED')
  }
  const device = request.version < 10 ? undefined : ownDevice(service, request, serial)
  if (device?.facts['is_replacement_device'] !== true) {
    throw new AppleRefusal(404, 'DEVICE_NOT_FOUND')
  }
  return {
    original_serial_number: device.facts['original_serial_number'],
    replacement_date: recordOf(abmDevice(service, serial))['device_assigned_date'],
  }
}

function setDiscoveryUrl(_service: DepService, { body, server }: DepRequest): unknown {
  const url = textIn(body, 'mdm_service_discovery_url')
  if (url === '') {
    throw new AppleRefusal(400, 'MDM_SERVICE_DISCOVERY_URL_REQUIRED')
  }
  if (URL.parse(url)?.protocol !== 'https:') {
    throw new AppleRefusal(400, 'MDM_SERVICE_DISCOVERY_URL_NOT_VALID')
  }
  server.discoveryUrl = url
  return undefined
}

function readDiscoveryUrl(_service: DepService, { server }: DepRequest): unknown {
  if (server.discoveryUrl === '') {
    throw new AppleRefusal(404, 'NOT_FOUND')
  }
  return { mdm_service_discovery_url: server.discoveryUrl }
}

function clearDiscoveryUrl(_service: DepService, { server }: DepRequest): unknown {
  server.discoveryUrl = ''
  return undefined
}

function listBetaTokens(): unknown {
  return {
    betaEnrollmentTokens: [{ token: 'beta-token', title: 'iOS 27 Beta', os: 'iOS' }],
    seedBuildTokens: [{ token: 'seed-token', title: 'macOS 27 AppleSeed', os: 'OSX' }],
  }
}
