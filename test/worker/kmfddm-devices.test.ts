import { runDurableObjectAlarm } from 'cloudflare:test'
import { describe, expect, it } from 'vitest'
import { DECLARATIONS } from '../../src/jobs/declarations/begin.ts'
import type { SimulatedDevice } from '../../src/simulator/device/device.ts'
import { turn } from './clock.ts'
import { ACTIVATION, names } from './declaration-tools.ts'
import { queued } from './job-tools.ts'
import { answer, echo, JSON_TYPE, KMFDDM, send, TEXT } from './kmfddm-tools.ts'
import { enrolled, env, until } from './server.ts'

/** Lets the round go on until all devices have heard of the changes that began it. */
async function told(): Promise<void> {
  while (await runDurableObjectAlarm(env.JOB.getByName(DECLARATIONS))) {
    turn(1000)
  }
}

type Declared = ReturnType<typeof names> & { readonly device: SimulatedDevice }

/** A device in a set with a configuration and its activation. */
async function declared(): Promise<Declared> {
  const device = await enrolled()
  const { set, config, activation } = names()
  await send('PUT', '/v1/declarations', echo(config, '<1>'))
  await send('PUT', '/v1/declarations', {
    Identifier: activation,
    Type: ACTIVATION,
    Payload: { StandardConfigurations: [config] },
  })
  for (const id of [config, activation]) {
    await send('PUT', `/v1/set-declarations/${set}?declaration=${id}`)
  }
  await send('PUT', `/v1/enrollment-sets/${device.udid}?set=${set}`)
  await told()
  return { device, config, activation, set }
}

/** Lets a device do all that it is asked to: what it reports may change what it is offered. */
async function settled(device: SimulatedDevice): Promise<void> {
  await until(
    async () => {
      await device.poll()
      await told()
      return queued(device.udid)
    },
    (commands) => commands.length === 0,
  )
}

const endpoint = (id: string, path: string) =>
  answer('GET', path, undefined, { authorization: KMFDDM, 'x-enrollment-id': id })
const ask = async (device: SimulatedDevice, Endpoint: string) => {
  const { status, body } = await device.checkIn('DeclarativeManagement', { Endpoint })
  return [status, new TextDecoder().decode(body)]
}

describe('what an admin sees of the device’s side', () => {
  it('is what the device gets', async () => {
    const { device, config, activation } = await declared()
    for (const path of ['tokens', 'declaration-items']) {
      const [status, text] = await ask(device, path)
      expect(await endpoint(device.udid, `/${path}`)).toEqual([status, text, JSON_TYPE])
      expect(await endpoint(device.udid, `/api/v1/ddm/${path}`)).toEqual([status, text, JSON_TYPE])
    }
    const [, items] = await endpoint(device.udid, '/declaration-items')
    expect(items).toContain(`"${config}"`)
    expect(items).toContain(`"${activation}"`)
    const path = `declaration/configuration/${config}`
    const [status, text, type] = await endpoint(device.udid, `/${path}`)
    expect([status, type]).toEqual([200, JSON_TYPE])
    expect(text).toContain('\n\t\t"Echo": "\\u003c1\\u003e"\n')
    expect(JSON.parse(text)).toEqual(JSON.parse(String((await ask(device, path))[1])))
  })

  it('is an empty list for an enrolment that is not known', async () => {
    const [status, items] = await endpoint('STRANGE', '/declaration-items')
    expect([status, JSON.parse(items)]).toMatchObject([
      200,
      { Declarations: { Activations: [], Assets: [], Configurations: [], Management: [] } },
    ])
    const [, tokens] = await endpoint('STRANGE', '/tokens')
    const { DeclarationsToken } = JSON.parse(items)
    expect(JSON.parse(tokens)).toMatchObject({ SyncTokens: { DeclarationsToken } })
  })

  it('lacks other kinds, and declarations of other devices', async () => {
    const { device, config } = await declared()
    const other = await declared()
    for (const path of [
      `/declaration/activation/${config}`,
      `/declaration/thing/${config}`,
      `/declaration/configuration/${other.config}`,
    ]) {
      expect(await endpoint(device.udid, path), path).toEqual([404, 'Not Found\n', TEXT])
    }
    expect(await endpoint('STRANGE', `/declaration/configuration/${config}`)).toEqual([
      404,
      'Not Found\n',
      TEXT,
    ])
  })

  it('needs the name of the enrolment, and takes no status', async () => {
    for (const path of ['/tokens', '/declaration-items', '/declaration/activation/X']) {
      expect(await answer('GET', path)).toEqual([400, 'Bad Request\n', TEXT])
    }
    const [status, text] = await answer('PUT', '/status', '{}')
    expect([status, text]).toEqual([409, expect.stringMatching(/^devices report their status/)])
  })
})

describe('changes and devices', () => {
  it('queue one command, however many they are', async () => {
    const { device, config } = await declared()
    expect(await queued(device.udid)).toHaveLength(1)
    for (let n = 0; n < 5; n++) {
      await send('PUT', '/v1/declarations', echo(config, `${n}`))
    }
    await told()
    expect(await queued(device.udid)).toHaveLength(1)
  })

  it('wait for a later change with nonotify', async () => {
    const { device, config } = await declared()
    await ask(device, 'declaration-items')
    const token = async () => (await endpoint(device.udid, '/tokens'))[1]
    const before = await token()
    await send('PUT', '/v1/declarations?nonotify=1', echo(config, 'later'))
    await send('PUT', '/v1/declarations?nonotify=TRUE', echo(config, 'later still'))
    await told()
    expect(await token()).toBe(before)
    expect(await answer('POST', '/v1/notify')).toEqual([204, '', TEXT])
    await told()
    expect(await token()).not.toBe(before)
  })

  it('without a change, a notice asks the named devices to synchronise', async () => {
    const namings = [
      ({ config }: Declared) => `declaration=no&declaration=${config}`,
      ({ set }: Declared) => `set=${set}`,
      ({ device }: Declared) => `id=a%0Ab&id=${device.udid}:USER`,
    ]
    for (const name of namings) {
      const those = await declared()
      const other = await declared()
      for (const { device } of [those, other]) {
        await settled(device)
      }
      turn(60_000)
      expect(await answer('POST', `/v1/notify?${name(those)}`)).toEqual([204, '', TEXT])
      await told()
      expect(await queued(those.device.udid)).toHaveLength(1)
      expect(await queued(other.device.udid)).toEqual([])
    }
  })

  it('are told by names of sixteen kilobytes', async () => {
    const { device, set } = await declared()
    const others = Array.from({ length: 400 }, (_, n) => `set=no-such-set-${n}-${'x'.repeat(20)}`)
    expect((await send('POST', `/v1/notify?${others.join('&')}&set=${set}`)).status).toBe(204)
    await told()
    expect(await queued(device.udid)).not.toEqual([])
  })
})

describe('the status of a device', () => {
  it('is answered in KMFDDM’s form', async () => {
    const { device, config, activation } = await declared()
    const [, items] = await ask(device, 'declaration-items')
    const { Declarations } = JSON.parse(String(items))
    const token = (id: string) =>
      Object.values<{ Identifier: string; ServerToken: string }[]>(Declarations)
        .flat()
        .find(({ Identifier }) => Identifier === id)?.ServerToken
    const reasons = [{ code: 'Error.X', description: 'd', details: { Error: 'why' } }]
    const report = {
      StatusItems: {
        management: {
          declarations: {
            activations: [
              {
                identifier: activation,
                active: true,
                valid: 'valid',
                'server-token': 'old',
              },
            ],
            configurations: [
              {
                identifier: config,
                active: true,
                valid: 'invalid',
                'server-token': token(config),
                reasons,
              },
            ],
          },
        },
        device: { model: { family: 'Mac' }, n: { x: 12, y: true, z: ['a', 'b'] } },
      },
      Errors: [{ StatusItem: 'x.y', Reasons: [{ Code: 'E' }] }],
    }
    const Data = new Uint8Array(Buffer.from(JSON.stringify(report)))
    expect(
      (await device.checkIn('DeclarativeManagement', { Endpoint: 'status', Data })).status,
    ).toBe(200)
    const { udid } = device
    const get = async (path: string) => JSON.parse((await answer('GET', `/v1/${path}`))[1])
    const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/)
    const from = { timestamp: time, status_id: '1' }
    expect(await get(`declaration-status/NONE,${udid}`)).toEqual({
      [udid]: expect.arrayContaining([
        {
          identifier: activation,
          active: true,
          valid: 'valid',
          'server-token': 'old',
          ManifestType: 'activations',
          current: false,
          status_received: time,
          status_id: '1',
        },
        {
          identifier: config,
          active: true,
          valid: 'invalid',
          'server-token': token(config),
          ManifestType: 'configurations',
          ReasonsJSON: reasons,
          current: true,
          status_received: time,
          status_id: '1',
          reasons,
        },
      ]),
    })
    expect(await get(`status-values/${udid}`)).toEqual({
      [udid]: [
        { path: '.StatusItems.device.model.family', value: 'Mac', ...from },
        { path: '.StatusItems.device.n.x', value: '12', ...from },
        { path: '.StatusItems.device.n.y', value: 'true', ...from },
        { path: '.StatusItems.device.n.z', value: 'a', ...from },
        { path: '.StatusItems.device.n.z', value: 'b', ...from },
      ],
    })
    for (const [prefix, paths] of [
      ['.StatusItems.device.model.%25', 1],
      ['.statusitems.device.n', 4],
      ['%25.device.%25.y', 1],
      ['%25.family', 1],
      ['.StatusItems.device.n.x%25x', 0],
      ['none', 0],
    ] as const) {
      const found = await get(`status-values/${udid}?prefix=${prefix}`)
      expect(found[udid]?.length ?? 0, prefix).toBe(paths)
    }
    expect(await get(`status-errors/${udid},NONE`)).toEqual({
      [udid]: [
        {
          path: '.StatusItems.management.declarations.configurations',
          error: {
            identifier: config,
            active: true,
            valid: 'invalid',
            'server-token': token(config),
            reasons,
          },
          ...from,
        },
        {
          path: '.Errors',
          error: { StatusItem: 'x.y', Reasons: [expect.objectContaining({ Code: 'E' })] },
          ...from,
        },
      ],
    })
    const kept = await send('GET', `/v1/status-report/${udid}?index=0`)
    expect(await kept.text()).toBe(JSON.stringify(report))
    expect(Object.fromEntries(kept.headers)).toMatchObject({
      'content-type': JSON_TYPE,
      'x-status-report-id': '1',
      'x-status-report-index': '0',
      'last-modified': expect.stringMatching(/ GMT$/),
    })
    expect((await send('GET', `/v1/status-report/${udid}?status_id=1`)).status).toBe(200)
  })

  it('is nothing for enrolments without a report', async () => {
    for (const path of [
      'declaration-status/A',
      'status-errors/A,B',
      'status-values/A',
      'declaration-status/,',
    ]) {
      expect(await answer('GET', `/v1/${path}`)).toEqual([200, '{}\n', JSON_TYPE])
    }
    const ids = Array.from({ length: 101 }, (_, n) => `D${n}`).join(',')
    expect((await send('GET', `/v1/status-errors/${ids}`)).status).toBe(400)
  })

  it.each<[string, number, string | RegExp]>([
    ['', 500, 'empty index'],
    ['?index=x', 400, 'strconv.ParseInt: parsing "x": invalid syntax'],
    ['?index=', 400, 'strconv.ParseInt: parsing "": invalid syntax'],
    ['?index=-1', 500, /^index out of range: too low \(-1\)$/],
    ['?index=0', 404, /^status report not found: /],
    ['?status_id=ab', 404, /^status report not found: /],
  ])('has no report with "%s"', async (query, status, text) => {
    const response = await send('GET', `/v1/status-report/NONE${query}`)
    expect(response.status).toBe(status)
    expect(await response.json()).toEqual({ error: expect.stringMatching(text) })
  })
})

it('a set is given to the enrolment that is named, and not to a user of that name', async () => {
  const { set, config } = names()
  const [other, udid] = [await enrolled(), crypto.randomUUID()]
  const user = other.userChannel({ userId: udid, shortName: 'mallory' })
  await user.tokenUpdate()
  await send('PUT', '/v1/declarations', echo(config))
  await send('PUT', `/v1/set-declarations/${set}?declaration=${config}`)
  expect(await answer('PUT', `/v1/enrollment-sets/${udid}?set=${set}`)).toEqual([204, '', TEXT])
  expect(await answer('GET', `/v1/enrollment-sets/${user.enrollmentId}`)).toEqual([
    200,
    'null\n',
    JSON_TYPE,
  ])
})
