/** What the screens show when they are looked at: a small office, and things that no office would have. */
import type { AnswerScript } from '../../../src/simulator/device/answers/respond.ts'
import type { SimulatedDevice } from '../../../src/simulator/device/device.ts'
import type { Platform } from '../../../src/apple/platform.ts'
import { callApi, joinDevice } from '../device-tools.ts'

/** Ids that stand in the addresses of screens. */
export interface Examples {
  readonly mac: string
  readonly phone: string
  /** Its name is as long as a name can be. */
  readonly hostile: string
  readonly gone: string
  readonly answered: string
  readonly refused: string
  readonly waiting: string
  readonly job: string
  readonly webhook: string
  readonly account: string
}

const OFFICE: readonly (readonly [name: string, platform: Platform, osVersion?: string])[] = [
  ['Ada’s MacBook Pro', 'macOS'],
  ['Ben’s MacBook Pro', 'macOS', '26.3'],
  ['Cleo’s MacBook Pro', 'macOS'],
  ['Design Mac 1', 'macOS'],
  ['Build Mac', 'macOS', '26.3'],
  ['Reception Mac', 'macOS'],
  ['Eva’s iPhone', 'iOS'],
  ['Finn’s iPhone', 'iOS'],
  ['Spare iPhone', 'iOS', '18.6'],
  ['Warehouse iPad 1', 'iPadOS'],
  ['Warehouse iPad 2', 'iPadOS'],
  ['Meeting room', 'tvOS'],
]

/** What a user may type, and a server has to show: as long as the directory takes it. */
const HOSTILE_NAMES = [
  '😀'.repeat(500),
  '<img src=x onerror=alert(1)>',
  '\u202Eevil \u202Etfel مرحبا بالعالم',
  'W'.repeat(300),
]

const PIN = '482913'

/** Enrols the devices of an office, and gives them a life. */
export async function openOffice(url: string) {
  const call = <Body>(method: string, path: string, body?: object) =>
    callApi<Body>(url, method, path, body)
  const devices: SimulatedDevice[] = []
  for (const [n, [name, platform, osVersion]] of OFFICE.entries()) {
    const serial = `C02XK${String(4107 + n * 513)}PQ${n % 7}`
    const more = osVersion === undefined ? {} : { osVersion }
    devices.push(await joinDevice(url, { name, platform, serial, ...more }))
  }
  for (const device of devices) {
    await call('POST', `/api/devices/${device.udid}/refresh`)
    await device.poll()
  }
  const [mac, , , , , , phone] = devices
  if (!mac || !phone) {
    throw new Error('the office has no Mac or no iPhone')
  }
  const queue = async (device: SimulatedDevice, command: object): Promise<string> =>
    (await call<{ id: string }>('POST', `/api/devices/${device.udid}/commands`, command)).id
  await queue(phone, { request_type: 'DeviceLock', message: 'Please call 555' })
  await phone.poll()
  const answered = await queue(mac, { request_type: 'SecurityInfo' })
  await mac.poll()
  return { url, call, queue, devices, mac, phone, answered }
}

export type Office = Awaited<ReturnType<typeof openOffice>>

/** Adds what goes wrong: refusals, devices that are gone, a receiver that is down, and hostile names. */
export async function addTrouble({
  url,
  call,
  queue,
  mac,
  phone,
  answered,
}: Office): Promise<Omit<Examples, 'account'>> {
  const [longest] = await Promise.all(HOSTILE_NAMES.map((name) => joinDevice(url, { name })))
  const putsOff: AnswerScript = () => 'NotNow'
  const late = await joinDevice(url, { name: 'Gina’s MacBook Pro', answer: putsOff })
  await queue(late, { request_type: 'DeviceLock', pin: PIN })
  const waiting = await queue(late, { request_type: 'ProfileList' })
  await late.poll()
  const refusing = await joinDevice(url, {
    name: 'Old iPad',
    platform: 'iPadOS',
    answer: () => 'Error',
  })
  const refused = await queue(refusing, { request_type: 'InstalledApplicationList' })
  await refusing.poll()
  const gone = await joinDevice(url, { name: 'Hal’s iPhone', platform: 'iOS' })
  await gone.checkOut()
  const { id: job } = await call<{ id: string }>('POST', '/api/commands', {
    ids: [mac.udid, phone.udid, crypto.randomUUID()],
    command: { request_type: 'ProfileList' },
  })
  // Port 9 is nothing's: the posts fail.
  const { id: webhook } = await call<{ id: string }>('POST', '/api/webhooks', {
    url: `http://127.0.0.1:9/${'w'.repeat(300)}`,
  })
  await mac.poll()
  await call('POST', '/api/keys', { name: 'k'.repeat(60), scopes: ['read', 'command'] })
  if (!longest) {
    throw new Error('no hostile device')
  }
  const ids = { mac: mac.udid, phone: phone.udid, hostile: longest.udid, gone: gone.udid }
  return { ...ids, answered, refused, waiting, job, webhook }
}
