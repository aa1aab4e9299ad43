import { beforeEach, describe, expect, it } from 'vitest'
import { ACTIVATION, type DeclarativeServer, declarativeServer, deviceAt, TEST } from './server.ts'

let server: DeclarativeServer

beforeEach(() => {
  server = declarativeServer()
})

/** A device that has taken over what the server has. */
async function synchronised(options: Parameters<typeof deviceAt>[1] = {}) {
  const device = deviceAt(server, options)
  server.notify()
  await device.poll()
  server.took()
  return device
}

const lists = (report: unknown) =>
  report as { StatusItems: { management: { declarations: object } } }

describe('a synchronisation', () => {
  it('acknowledges first, then fetches at once what the token of the command announces', async () => {
    server.putActive('cfg', TEST, { Echo: 'a' })
    const device = deviceAt(server)
    server.notify()
    expect(await device.poll()).toMatchObject({ ended: 'empty', lastStatus: 'Acknowledged' })
    expect(server.took()).toEqual([
      'Idle',
      'Acknowledged',
      'declaration-items',
      'declaration/activation/cfg.on',
      'declaration/configuration/cfg',
      'tokens',
      'status',
    ])
    expect(device.declarative.isOn).toBe(true)
  })

  it('asks for the tokens when the command has none', async () => {
    const device = deviceAt(server)
    server.notify('')
    await device.poll()
    expect(server.took()).toEqual([
      'Idle',
      'Acknowledged',
      'tokens',
      'declaration-items',
      'tokens',
      'status',
    ])
  })

  it('fetches nothing for a token that it has', async () => {
    server.putActive('cfg', TEST, { Echo: 'a' })
    const device = await synchronised()
    server.notify()
    await device.poll()
    expect(server.took()).toEqual(['Idle', 'Acknowledged'])
    server.notify('')
    await device.poll()
    expect(server.took()).toEqual(['Idle', 'Acknowledged', 'tokens'])
  })

  it('fetches only what is new, and reports only what changed', async () => {
    server.putActive('cfg', TEST, { Echo: 'a' })
    const device = await synchronised()
    server.put('other', TEST, { Echo: 'b' })
    server.notify()
    await device.poll()
    expect(server.took().slice(2)).toEqual([
      'declaration-items',
      'declaration/configuration/other',
      'tokens',
      'status',
    ])
    expect(server.reports.map((report) => report['FullReport'])).toEqual([true, undefined])
    expect(server.reports[1]).toMatchObject({
      StatusItems: {
        management: {
          declarations: {
            activations: [],
            configurations: [
              {
                identifier: 'other',
                'server-token': 'v3',
                active: false,
                valid: 'valid',
                reasons: [{ code: 'Info.NotReferencedByActivation' }],
              },
            ],
          },
        },
      },
      Errors: [],
    })
  })

  it('drops what the manifest lacks, and says so by a report without it', async () => {
    server.putActive('cfg', TEST, { Echo: 'a' })
    const device = await synchronised()
    server.remove('cfg')
    server.remove('cfg.on')
    server.notify()
    await device.poll()
    expect(server.took().slice(2)).toEqual(['declaration-items', 'tokens', 'status'])
    expect(device.declarative.states).toEqual([])
    expect(lists(server.reports[1]).StatusItems.management.declarations).toEqual({
      activations: [],
      assets: [],
      configurations: [],
      management: [],
    })
  })

  it('goes on until the token settles, and reports once', async () => {
    server.put('one', TEST, { Echo: 'a' })
    const device = deviceAt(server)
    server.notify()
    server.before.set('declaration/configuration/one', () => server.put('two', TEST, { Echo: 'b' }))
    await device.poll()
    expect(server.took().slice(2)).toEqual([
      'declaration-items',
      'declaration/configuration/one',
      'tokens',
      'declaration-items',
      'declaration/configuration/two',
      'tokens',
      'status',
    ])
  })

  it('ends with a server whose token never settles', async () => {
    server.put('one', TEST, { Echo: '0' })
    const device = deviceAt(server)
    server.notify()
    let count = 0
    server.before.set('declaration-items', () => server.put('one', TEST, { Echo: String(count++) }))
    server.before.set('tokens', () => server.put('one', TEST, { Echo: String(count++) }))
    expect(await device.poll()).toMatchObject({ ended: 'empty' })
    expect(server.took().filter((request) => request === 'declaration-items')).toHaveLength(10)
  })

  it('deletes a declaration whose answer is 404', async () => {
    server.put('one', TEST, { Echo: 'a' })
    const device = await synchronised()
    server.put('one', TEST, { Echo: 'b' })
    server.failures.set('declaration/configuration/one', [404])
    server.notify()
    await device.poll()
    expect(device.declarative.states).toEqual([])
  })

  it.each(['tokens', 'declaration-items', 'declaration/configuration/two', 'status'])(
    'keeps everything when %s fails with 503, and tries again in the next session',
    async (endpoint) => {
      server.put('one', TEST, { Echo: 'a' })
      const device = await synchronised()
      const { token } = device.declarative
      server.put('two', TEST, { Echo: 'b' })
      server.failures.set(endpoint, [503])
      server.notify('')
      expect(await device.poll()).toMatchObject({
        ended: 'failed',
        reason: `declarations: the server answered ${endpoint} with HTTP 503`,
      })
      expect(device.declarative.states.map(({ identifier }) => identifier)).toContain('one')
      if (endpoint !== 'status') {
        expect(device.declarative.token).toBe(token)
      }
      expect(await device.poll()).toMatchObject({ ended: 'empty' })
      expect(server.took().at(-1)).toBe('status')
      expect(device.declarative.states).toHaveLength(2)
      expect(await device.poll()).toMatchObject({ ended: 'empty' })
      expect(server.took()).toEqual(['Idle'])
    },
  )

  it('fails when the server gives another declaration than it was asked for', async () => {
    server.put('one', 'com.apple.asset.data')
    const device = deviceAt(server)
    server.notify()
    server.before.set('declaration/asset/one', () => server.put('one', ACTIVATION))
    expect(await device.poll()).toMatchObject({
      ended: 'failed',
      reason: 'declarations: the server gave another declaration than asset/one',
    })
  })
})

describe('declarative management', () => {
  it('has its own declarations on a user’s channel', async () => {
    server.put('one', TEST, { Echo: 'a' })
    const device = await synchronised()
    const user = device.userChannel({ userId: 'GUID', shortName: 'a' })
    expect(user.declarative.isOn).toBe(false)
    server.put('two', TEST, { Echo: 'b' })
    server.notify()
    await user.poll()
    expect(user.declarative.states).toHaveLength(2)
    expect(device.declarative.states).toHaveLength(1)
  })

  it('is off and empty after a new enrolment, a check-out, a wipe, and 401', async () => {
    server.put('one', TEST, { Echo: 'a' })
    const device = await synchronised()
    const user = device.userChannel({ userId: 'GUID', shortName: 'a' })
    const again = async () => {
      for (const channel of [device, user]) {
        server.notify()
        await channel.poll()
      }
      server.took()
      expect([device.declarative.isOn, user.declarative.isOn]).toEqual([true, true])
    }
    const isOff = () => {
      expect([device.declarative.isOn, device.declarative.token]).toEqual([false, undefined])
      expect(device.declarative.states).toEqual([])
    }
    await again()
    await device.enroll()
    isOff()
    expect(user.declarative.isOn).toBe(false)
    await again()
    await device.checkOut()
    isOff()
    await again()
    server.queue('EraseDevice')
    await device.poll()
    isOff()
    expect(user.declarative.isOn).toBe(false)
    await again()
    server.failures.set('tokens', [401])
    server.notify('')
    expect(await device.poll()).toMatchObject({ ended: 'unmanaged' })
    isOff()
  })

  it('continues after a restart: it fetches everything and reports it fully', async () => {
    server.put('one', TEST, { Echo: 'a' })
    const device = deviceAt(server, { wasDeclarative: true, state: 'enrolled' })
    await device.poll()
    expect(server.took()).toEqual([
      'Idle',
      'tokens',
      'declaration-items',
      'declaration/configuration/one',
      'tokens',
      'status',
    ])
    expect(server.reports[0]).toMatchObject({ FullReport: true })
  })

  it('reports everything when it is asked to', async () => {
    server.put('one', TEST, { Echo: 'a' })
    const device = await synchronised()
    await device.declarative.reportAll()
    expect(server.took()).toEqual(['status'])
    expect(server.reports[1]).toEqual(server.reports[0])
  })
})

describe('a fault', () => {
  it('not-now answers NotNow so many times', async () => {
    const device = deviceAt(server, { faults: { 'not-now': 1 } })
    server.notify()
    expect(await device.poll()).toMatchObject({ lastStatus: 'NotNow' })
    expect(device.declarative.isOn).toBe(false)
    server.notify()
    expect(await device.poll()).toMatchObject({ lastStatus: 'Acknowledged' })
    expect(device.declarative.isOn).toBe(true)
  })

  it('never-settles asks for the tokens again', async () => {
    const device = deviceAt(server, { faults: { 'never-settles': 3 } })
    server.notify()
    await device.poll()
    expect(server.took().filter((request) => request === 'tokens')).toHaveLength(4)
  })

  it('no-status leaves reports out', async () => {
    server.put('one', TEST, { Echo: 'a' })
    const device = deviceAt(server, { faults: { 'no-status': 1 } })
    server.notify()
    expect(await device.poll()).toMatchObject({ ended: 'empty' })
    expect(server.reports).toEqual([])
  })

  it('broken-status sends no JSON', async () => {
    const device = deviceAt(server, { faults: { 'broken-status': 1 } })
    server.notify()
    await device.poll()
    expect(server.reports).toEqual([{ text: 'no JSON' }])
  })

  it('loses makes a configuration vanish, and the report lacks it', async () => {
    server.put('one', TEST, { Echo: 'a' })
    server.put('two', TEST, { Echo: 'a' })
    const device = deviceAt(server, { faults: { loses: 1 } })
    server.notify()
    await device.poll()
    expect(device.declarative.states.map(({ identifier }) => identifier)).toEqual(['two'])
    expect(JSON.stringify(server.reports)).not.toContain('"one"')
  })

  it('ignores-404 keeps what the server says is gone', async () => {
    server.put('one', TEST, { Echo: 'a' })
    const device = await synchronised({ faults: { 'ignores-404': 1 } })
    server.put('one', TEST, { Echo: 'b' })
    server.failures.set('declaration/configuration/one', [404])
    server.notify()
    await device.poll()
    expect(device.declarative.states).toMatchObject([{ identifier: 'one', token: 'v1' }])
  })

  it('slow waits before each request', async () => {
    const waits: number[] = []
    const wait = async (ms: number) => void waits.push(ms)
    const device = deviceAt(server, { faults: { slow: 7 }, wait })
    server.notify()
    await device.poll()
    expect(server.took().slice(2)).toHaveLength(3)
    expect(waits).toEqual([7, 7, 7])
  })
})
