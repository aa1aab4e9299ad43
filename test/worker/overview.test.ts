import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test'
import { describe, expect, it } from 'vitest'
import worker from '../../src/index.ts'
import { storeStates } from '../../src/directory/declarations/states.ts'
import { clock, turn } from './clock.ts'
import { deployed } from './deployment.ts'
import { ask } from './enroll-tools.ts'
import { enrol, install, newAuthority, oneTimeChallenge } from './scep-client.ts'
import { api, BASIC, enrolled, env, newDevice, serve } from './server.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR

interface Overview {
  needs_attention: { id: string; level: string; fix: string }[]
  devices: {
    total: number
    by_state: Record<string, number>
    by_push: Record<string, number>
    silent: Record<string, number>
    declarations_failing: number
    by_platform: { platform: string | null; enrolled: number }[]
    by_os: { platform: string | null; version: string; enrolled: number }[]
  }
}
interface Step {
  id: string
  kind: string
  device_id: string | null
  detail: string | null
}

const overview = async () => (await api<Overview>('GET', '/api/overview')).body
const steps = async () => (await api<{ items: Step[] }>('GET', '/api/enrollment/steps')).body.items

describe('GET /api/overview', () => {
  it('counts devices by state, push, platform and OS, and keeps the count for a while', async () => {
    expect((await overview()).devices.total).toBe(0)
    await enrolled({ platform: 'iOS', osVersion: '26.6' })
    await enrolled({ platform: 'iOS', osVersion: '26.6' })
    const mac = await enrolled({ platform: 'macOS', osVersion: '27.1' })
    await newDevice().authenticate()
    turn(100)
    const { devices } = await overview()
    expect(devices).toMatchObject({
      total: 4,
      by_state: { authenticated: 1, enrolled: 3, checked_out: 0 },
      by_push: { ready: 3, failing: 0, none: 0 },
      silent: { '7d': 0, '30d': 0 },
      by_platform: [
        { platform: 'iOS', enrolled: 2 },
        { platform: 'macOS', enrolled: 1 },
      ],
      by_os: [
        { platform: 'iOS', version: '26.6', enrolled: 2 },
        { platform: 'macOS', version: '27.1', enrolled: 1 },
      ],
    })
    await mac.checkOut()
    turn(11)
    expect((await overview()).devices.by_state).toMatchObject({ enrolled: 3, checked_out: 0 })
    turn(1)
    expect((await overview()).devices.by_state).toMatchObject({ enrolled: 2, checked_out: 1 })
  })

  it('counts devices on which a declaration failed, each once', async () => {
    const failed = { state: 'failed', code: 'Error.X', content: '', since: 1 } as const
    const states = ['one', 'two'].map((identifier) => ({ identifier, ...failed }))
    const channel = { version: 1, revision: 1, synced: true, reportedAt: 1, states }
    await storeStates(env.DB, [
      { enrollment: 'F1', ...channel },
      { enrollment: 'F2', ...channel },
    ])
    turn(100)
    expect((await overview()).devices.declarations_failing).toBe(2)
  })

  it('counts what was not seen for days', async () => {
    turn(8 * DAY)
    expect((await overview()).devices.silent).toEqual({ '7d': 2, '30d': 0 })
  })

  it('says what needs somebody, as /readyz does', async () => {
    const { body } = await deployed({ APNS: undefined })('GET', '/api/overview').then(
      async (answer) => ({ body: await answer.json<Overview>() }),
    )
    expect(body.needs_attention[0]).toMatchObject({
      id: 'push.binding',
      level: 'error',
      fix: expect.stringContaining('docs/push-certificate.md') as string,
    })
  })
})

describe('while the list of devices does not answer', () => {
  it('still says what needs somebody', async () => {
    const statement = {
      bind: () => statement,
      all: async () => {
        throw new Error('D1 is down')
      },
    }
    const send = deployed({ DB: { prepare: () => statement } })
    const answer = await send('GET', '/api/overview')
    const { needs_attention: found, devices } = await answer.json<Partial<Overview>>()
    expect(found?.[0]).toMatchObject({ id: 'directory', level: 'down' })
    expect(devices).toBeNull()
  })
})

describe('GET /api/enrollment', () => {
  it('says what keeps every device from enrolling', async () => {
    const read = async (vars: Record<string, unknown>) => {
      const answer = await deployed({ ...vars })('GET', '/api/enrollment')
      return (await answer.json<{ problems: { text: string; fix: string }[] }>()).problems
    }
    const texts = (await read({ PUBLIC_URL: 'http://mdm.example.com' })).map(({ text }) => text)
    expect(texts).toEqual([
      expect.stringContaining('not https'),
      expect.stringContaining('no certificate authority'),
    ])
    await install(newAuthority())
    expect(await read({ PUBLIC_URL: 'https://mdm.example.com' })).toEqual([])
  })
})

describe('GET /api/enrollment/steps', () => {
  it('tells each step of an enrolment, the newest first', async () => {
    await serve('/mdm/enroll')
    await enrol({ challenge: await oneTimeChallenge() })
    const device = newDevice()
    await device.enroll()
    const found = await steps()
    expect(found.slice(0, 4).map(({ kind }) => kind)).toEqual([
      'enrolled',
      'checked_in',
      'certificate_issued',
      'profile_sent',
    ])
    expect(found[0]).toMatchObject({ device_id: device.udid, detail: device.name })
    await device.tokenUpdate()
    expect(await steps()).toEqual(found)
  })

  it('says why a stranger was refused, and writes no row for it', async () => {
    const rows = async () => {
      const { results } = await env.DB.prepare('SELECT count(*) AS n FROM certificates').all()
      return results
    }
    const before = await rows()
    const refused = await ask(
      '/mdm/enroll?token=no',
      {},
      { ENROLLMENT: 'token', ENROLL_TOKEN: 'e'.repeat(32) },
    )
    expect(refused.status).toBe(403)
    expect((await steps())[0]).toMatchObject({
      kind: 'refused',
      device_id: null,
      detail: expect.stringContaining('no token, or a wrong one') as string,
    })
    expect(await rows()).toEqual(before)
  })

  it('tells what another isolate has seen, and goes on without it', async () => {
    const theirs = { id: 'x', at: clock.now(), kind: 'refused', detail: 'elsewhere', device: '' }
    const from = async (answer: () => Promise<unknown>) => {
      const stub = { steps: answer, view: async () => undefined, noteSteps: async () => undefined }
      const context = createExecutionContext()
      const response = (await worker.fetch(
        new Request('http://mdm.test/api/enrollment/steps', {
          headers: { authorization: BASIC },
        }) as never,
        { ...env, CONTROL: { getByName: () => stub } } as never,
        context,
      )) as Response
      await waitOnExecutionContext(context)
      return (await response.json<{ items: Step[] }>()).items
    }
    expect((await from(async () => [theirs])).map(({ detail }) => detail)).toContain('elsewhere')
    const alone = await from(async () => {
      throw new Error('gone')
    })
    expect(alone.length).toBeGreaterThan(0)
  })
})
