/** Which devices may enrol, by what Apple Business Manager has assigned to the server. */
import { beforeAll, expect, it } from 'vitest'
import { apple, connected, synced } from './abm-tools.ts'
import { turn } from './clock.ts'
import { deployed } from './deployment.ts'
import { ask, post, signed } from './enroll-tools.ts'
import { install, newAuthority } from './scep-client.ts'
import { api, newDevice } from './server.ts'

const [IN_ABM, GONE, LISTED, STRANGER] = ['C02INABM', 'C02GONE', 'C02LISTED', 'C02STRANGER']
const ONLY_KNOWN = { DEP_ONLY_KNOWN: 'true' }

type Settings = Readonly<Record<string, unknown>>

beforeAll(async () => {
  await install(newAuthority())
  await connected()
  for (const serial_number of [IN_ABM, GONE]) {
    apple.add({ serial_number })
  }
  await synced()
  turn(1000)
  apple.remove(GONE)
  await synced()
  await api('POST', '/api/known-serials', { ids: [LISTED] })
})

/** How Setup Assistant is answered for each of the devices. */
async function answers(settings: Settings, query = ''): Promise<Record<string, number>> {
  const statuses: Record<string, number> = {}
  for (const serial of [IN_ABM, GONE, LISTED, STRANGER]) {
    const info = post(signed({ UDID: `U-${serial}`, SERIAL: serial, PRODUCT: 'Mac14,2' }))
    statuses[serial] = (await ask(`/mdm/enroll${query}`, info, settings)).status
  }
  return statuses
}

const all = { [IN_ABM]: 200, [GONE]: 200, [LISTED]: 200, [STRANGER]: 200 }
const known = { [IN_ABM]: 200, [GONE]: 403, [LISTED]: 200, [STRANGER]: 403 }

it('ENROLLMENT=known takes the devices that are assigned to the server now, and those of the list', async () => {
  expect(await answers({ ENROLLMENT: 'known' })).toEqual(known)
  const phase2 = post(signed({ UDID: 'U', SERIAL: IN_ABM.toLowerCase(), PRODUCT: 'Mac14,2' }))
  expect((await ask('/ota/phase23', phase2, { ENROLLMENT: 'known' })).status).toBe(200)
})

it('DEP_ONLY_KNOWN takes no others, in any mode', async () => {
  expect(await answers({ ENROLLMENT: 'open' })).toEqual(all)
  expect(await answers({ ENROLLMENT: 'open', ...ONLY_KNOWN })).toEqual(known)
  const token = { ENROLLMENT: 'token', ENROLL_TOKEN: 'opensesame', ...ONLY_KNOWN }
  expect(await answers(token, '?token=opensesame')).toEqual(known)
  expect(await answers(token)).toEqual({ ...known, [IN_ABM]: 403, [LISTED]: 403 })
})

it('DEP_ONLY_KNOWN says whom to ask, and an invitation opens it', async () => {
  const settings = { ENROLLMENT: 'open', ...ONLY_KNOWN }
  const info = post(signed({ UDID: 'U', SERIAL: STRANGER, PRODUCT: 'Mac14,2' }))
  const refused = await ask('/mdm/enroll', info, settings)
  expect(await refused.text()).toMatch(/Apple Business Manager.*administrator/)
  const { body } = await api<{ link: string }>('POST', '/api/invitations', { max_uses: 9 })
  expect(await answers(settings, new URL(body.link).search)).toEqual(all)
})

it('DEP_ONLY_KNOWN concerns Automated Device Enrollment alone', async () => {
  const settings = { ENROLLMENT: 'open', ...ONLY_KNOWN }
  for (const path of ['/mdm/enroll', '/ota/enroll']) {
    expect((await ask(path, {}, settings)).status).toBe(200)
  }
  const device = newDevice({
    serial: STRANGER,
    fetch: (url, init) => ask(url, init as RequestInit, settings) as never,
  })
  expect((await device.enroll()).status).toBe(200)
  expect((await device.connect({ Status: 'Idle' })).status).toBe(200)
  expect((await deployed(settings)('GET', '/api/devices')).status).toBe(200)
})
