import { runDurableObjectAlarm } from 'cloudflare:test'
import { describe, expect, it } from 'vitest'
import { rolloutJob } from '../../src/jobs/declarations/rollout.ts'
import {
  at,
  newName,
  newSet,
  PASSCODE,
  put,
  report,
  setAt,
  told,
  type List,
} from './declaration-api.ts'
import { api, enrolled, env } from './server.ts'

describe('one device', () => {
  interface OnDevice {
    synced: boolean
    declarations: { id: string; state: string; code: string | null; server_token: string | null }[]
  }
  const path = (udid: string, rest = '') => `/api/devices/${udid}/declarations${rest}`
  const view = async (udid: string) => (await api<OnDevice>('GET', path(udid))).body
  const ask = async (device: Awaited<ReturnType<typeof enrolled>>, Endpoint: string) => {
    const { body } = await device.checkIn('DeclarativeManagement', { Endpoint })
    return JSON.parse(new TextDecoder().decode(body))
  }

  async function declared() {
    const [set, id, disk] = [await newSet(), newName('p'), newName('w')]
    const device = await enrolled({ platform: 'iOS' })
    await api('POST', setAt(set, '/members'), { ids: [device.udid] })
    await put(id, { ...PASSCODE, sets: [set] })
    await put(disk, {
      type: 'com.apple.configuration.diskmanagement.settings',
      payload: {},
      sets: [set],
    })
    await told()
    return { device, set, id, disk }
  }

  it('shows what it is offered and what is withheld, and then what it reports', async () => {
    const { device, id, disk } = await declared()
    const before = await view(device.udid)
    const found = (of: OnDevice, name: string) => of.declarations.find((one) => one.id === name)
    expect(before.synced).toBe(false)
    expect(found(before, id)).toMatchObject({ state: 'pending' })
    expect(found(before, disk)).toMatchObject({ state: 'withheld', server_token: null })
    expect(found(before, disk)?.code).toContain('iOS')
    await ask(device, 'declaration-items')
    const token = found(before, id)?.server_token
    await report(device, {
      StatusItems: {
        management: {
          declarations: {
            configurations: [
              { identifier: id, 'server-token': token, active: true, valid: 'valid' },
            ],
          },
        },
      },
    })
    const after = await view(device.udid)
    expect(after.synced).toBe(true)
    expect(found(after, id)).toMatchObject({
      state: 'applied',
      reported_token: token,
      active: true,
    })
    const { body } = await api<List<{ state: string }>>('GET', at(id, '/states'))
    expect(body.items.map(({ state }) => state)).toEqual(['applied'])
    const status = await api<{ reports: { id: number }[] }>(
      'GET',
      `/api/devices/${device.udid}/status`,
    )
    expect(status.body.reports).toHaveLength(1)
  })

  it('fetches again what is resent, under another token', async () => {
    const { device, id } = await declared()
    const before = await ask(device, 'declaration-items')
    expect((await api('POST', path(device.udid, '/resend'), { ids: [id] })).body).toEqual({
      resent: 1,
    })
    const after = await ask(device, 'declaration-items')
    const tokenIn = (items: typeof before) =>
      items.Declarations.Configurations.find((one: { Identifier: string }) => one.Identifier === id)
        .ServerToken
    expect(tokenIn(after)).not.toBe(tokenIn(before))
    expect(after.DeclarationsToken).not.toBe(before.DeclarationsToken)
    expect((await api('POST', path(device.udid, '/resend'), { ids: ['none'] })).body).toEqual({
      resent: 0,
    })
  })

  it('gets the command to synchronise though nothing has changed', async () => {
    const { device } = await declared()
    await device.poll()
    await ask(device, 'declaration-items')
    await told()
    const commands = async () => {
      const { body } = await api<List<{ request_type: string }>>(
        'GET',
        `/api/devices/${device.udid}/commands?limit=100`,
      )
      return body.items.filter((one) => one.request_type === 'DeclarativeManagement').length
    }
    const before = await commands()
    expect((await api('POST', path(device.udid, '/sync'))).status).toBe(204)
    await told()
    expect(await commands()).toBe(before + 1)
  })

  it('hears of a change without notice when all such changes are told', async () => {
    const { device, id } = await declared()
    const tokenOf = async () => (await ask(device, 'tokens')).SyncTokens.DeclarationsToken
    const before = await tokenOf()
    await put(id, { ...PASSCODE, payload: { MinimumLength: 4 } }, '?notify=false')
    await told()
    expect(await tokenOf()).toBe(before)
    expect((await api('POST', '/api/declarations/notify')).status).toBe(204)
    await told()
    expect(await tokenOf()).not.toBe(before)
  })

  it('gets the declarations of a set that it joins, and loses them when it leaves', async () => {
    const { set, id } = await declared()
    const device = await enrolled()
    const has = async () => {
      await told()
      return (await view(device.udid)).declarations.some((one) => one.id === id)
    }
    const ids = { ids: [device.udid] }
    await api('POST', setAt(set, '/members'), ids)
    expect(await has()).toBe(true)
    await api('POST', setAt(set, '/members/remove'), ids)
    expect(await has()).toBe(false)
    await api('PUT', `/api/devices/${device.udid}/sets/${set}`)
    expect(await has()).toBe(true)
    await api('PUT', setAt(set), { declarations: [] })
    expect(await has()).toBe(false)
  })

  it('outside of the share of a roll-out keeps the content before, until the roll-out is finished', async () => {
    const [set, id] = [await newSet(), newName('r')]
    // The share of a device depends on its id and on the content.
    const device = await enrolled({ udid: 'OUTSIDE-OF-ONE-PERCENT' })
    await api('POST', setAt(set, '/members'), { ids: [device.udid] })
    const tokenNow = async () => {
      await told()
      const { declarations } = await view(device.udid)
      return declarations.find((one) => one.id === id)?.server_token
    }
    await put(id, { ...PASSCODE, sets: [set] })
    const before = await tokenNow()
    const rollout = { steps: [1, 100], wait_minutes: 60 }
    await put(id, { type: PASSCODE.type, payload: { MinimumLength: 12 }, rollout })
    await runDurableObjectAlarm(env.JOB.getByName(rolloutJob(id)))
    expect(await tokenNow()).toBe(before)
    const shown = { rollout_percent: 1, rollout_state: 'running', version: 2 }
    expect((await api('GET', at(id, '/rollout'))).body).toMatchObject(shown)
    expect((await api('POST', at(id, '/rollout/stop'))).body).toMatchObject({
      rollout_percent: 1,
      rollout_state: 'cancelled',
    })
    expect((await api('POST', at(id, '/rollout/finish'))).body).toMatchObject({
      rollout_percent: null,
    })
    expect(await tokenNow()).not.toBe(before)
    expect(await api('POST', at(id, '/rollout/finish'))).toMatchObject({
      status: 409,
      body: { code: 'no_rollout' },
    })
  })
})
