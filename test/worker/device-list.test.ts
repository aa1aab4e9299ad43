import { describe, expect, it } from 'vitest'
import type { DirectoryRow } from '../../src/device/standing/directory-row.ts'
import { project } from '../../src/directory/devices/rows.ts'
import { NO_FACTS } from '../../src/mdm/message.ts'
import { api, enrolled, env, listedAs, newDevice, until } from './server.ts'

interface Listed {
  id: string
  device_name: string
  os_version: string
  enrolled_at: string | null
  enrollment_type: string | null
  supervised: boolean | null
  users: string[]
  blocked: boolean
}
interface Page {
  items: Listed[]
  next: string | null
  total: number | null
}

/** Lists devices of these versions, some of the same name, and answers what their names begin with. */
async function listedWith(versions: readonly string[]): Promise<string> {
  const name = `listed-${crypto.randomUUID()}`
  const rows = versions.map((OSVersion, n): DirectoryRow => {
    const facts = { ...NO_FACTS, OSVersion, DeviceName: `${name}-${n % 2}` }
    const about = {
      id: crypto.randomUUID(),
      type: 'Device',
      state: 'enrolled',
      push: 'none',
    } as const
    const flags = {
      enrolled: true,
      hidden: false,
      serialProven: false,
      claimedAt: 1,
      lastSeen: n % 3,
    }
    const renewal = { state: '', reason: '', at: 0 } as const
    return { ...about, ...flags, facts, identity: '', identityNotAfter: n % 3, renewal, version: 1 }
  })
  await project(env.DB, rows)
  return name
}

const list = async (query: string) => (await api<Page>('GET', `/api/devices?${query}`)).body
const one = async (id: string) => (await list(`q=${id}`)).items[0]

describe('a device in the list', () => {
  it('says how and when it enrolled, who uses it, and whether it is supervised', async () => {
    const device = newDevice({ platform: 'iPadOS' })
    await device.authenticate()
    await device.tokenUpdate({ awaitingConfiguration: true })
    await listedAs(device, 'enrolled')
    const listed = await one(device.udid)
    expect(listed).toMatchObject({
      enrolled_at: expect.stringMatching(/^2/),
      enrollment_type: 'automated',
      supervised: null,
      users: [],
      blocked: false,
      identity_not_after: expect.stringMatching(/^2/),
      renewal: null,
    })
    const command = { request_type: 'DeviceInformation', queries: ['IsSupervised'] }
    await api('POST', `/api/devices/${device.udid}/commands`, command)
    await device.poll()
    const supervised = await until(
      () => one(device.udid),
      (row) => row?.supervised !== null,
    )
    expect(supervised).toMatchObject({ supervised: true, enrolled_at: listed?.enrolled_at })
    const { body } = await api('GET', `/api/devices/${device.udid}`)
    expect(body).toMatchObject({ supervised: true, enrollment_type: 'automated' })
  })

  it('is found by the short name of a user', async () => {
    const device = await enrolled()
    const shortName = `ada-${crypto.randomUUID()}`
    await device.userChannel({ userId: crypto.randomUUID(), shortName }).tokenUpdate()
    const found = await until(
      () => list(`q=${shortName.toUpperCase()}`),
      ({ items }) => items.length === 1,
    )
    expect(found.items).toMatchObject([{ id: device.udid, users: [shortName] }])
  })

  it('is blocked in the list from the block to the unblock', async () => {
    const device = await enrolled()
    await listedAs(device, 'enrolled')
    const filtered = async () => (await list(`q=${device.udid}&blocked=true`)).total
    await api('POST', `/api/devices/${device.udid}/block`)
    expect(await filtered()).toBe(1)
    await api('POST', `/api/devices/${device.udid}/unblock`)
    expect(await filtered()).toBe(0)
  })

  it('that an earlier release blocked is blocked in the list once it is blocked again, or looked at', async () => {
    const device = await enrolled()
    await listedAs(device, 'enrolled')
    await api('POST', `/api/devices/${device.udid}/block`)
    await env.DB.prepare('UPDATE devices SET blocked = 0 WHERE id = ?').bind(device.udid).run()
    await api('POST', `/api/devices/${device.udid}/block`)
    expect(await one(device.udid)).toMatchObject({ blocked: true })
    await env.DB.prepare('UPDATE devices SET blocked = 0 WHERE id = ?').bind(device.udid).run()
    expect((await api('GET', `/api/devices/${device.udid}`)).body).toMatchObject({ blocked: true })
    expect(
      await until(
        () => one(device.udid),
        (row) => row?.blocked === true,
      ),
    ).toMatchObject({ blocked: true })
  })
})

describe('the list', () => {
  it.each([
    'id',
    'device_name',
    'serial_number',
    'last_seen_at',
    'model_name',
    'os_version',
    'state',
    'push_state',
    'enrolled_at',
    'identity_not_after',
  ])('has each device once in the order of %s, page by page and backwards', async (field) => {
    const versions = ['9.3', '26.10', '26.2', '99999999999999999999.1', 'x']
    const name = await listedWith(versions)
    const walk = async (sort: string) => {
      const ids: string[] = []
      let cursor: string | null = ''
      while (cursor !== null) {
        const page: Page = await list(
          `device_name=${name}&limit=2&sort=${sort}${cursor && `&cursor=${cursor}`}`,
        )
        ids.push(...page.items.map(({ id }) => id))
        cursor = page.next
      }
      return ids
    }
    const up = await walk(field)
    expect(new Set(up).size).toBe(versions.length)
    expect(await walk(`-${field}`)).toEqual(up.toReversed())
  })

  it('sorts OS versions by their numbers', async () => {
    const name = await listedWith(['26.2', '9.3', '26.10'])
    const { items } = await list(`device_name=${name}&sort=os_version`)
    expect(items.map((row) => row.os_version)).toEqual(['9.3', '26.2', '26.10'])
  })

  it('takes rows of objects that do not say how they enrolled yet', async () => {
    const [listed] = (await list(`device_name=${await listedWith(['26.1'])}`)).items
    expect(listed).toMatchObject({ enrolled_at: null, enrollment_type: null, supervised: null })
  })
})
