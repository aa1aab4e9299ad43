import { createExecutionContext } from 'cloudflare:test'
import { expect, it, vi } from 'vitest'
import type { Env } from '../../src/env.ts'
import worker from '../../src/index.ts'
import { clock, turn } from './clock.ts'
import { pushCertificate } from './deployment.ts'
import { readMetrics } from './health-tools.ts'
import { api, BASIC, enrolled, env, listedAs, pushes, serve, TOPIC } from './server.ts'

const MINUTE = 60_000

async function scrape(its: object = env) {
  const response = (await worker.fetch(
    new Request('http://mdm.test/metrics', { headers: { authorization: BASIC } }),
    its as Env,
    createExecutionContext(),
  )) as Response
  expect(response.status).toBe(200)
  expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
  return readMetrics(await response.text())
}

/** The number of a series, at a time when isolates have handed on what they counted. */
async function figure(name: string, labels = ''): Promise<number> {
  turn(16 * MINUTE)
  // Any request hands counts on; the next one reads them.
  await serve('/healthz')
  const families = await scrape()
  return families[`edgemdm_${name}`]?.series[labels] ?? 0
}

it('needs a key', async () => {
  expect((await serve('/metrics')).status).toBe(401)
})

it('is text that a strict reader takes, and names no device', async () => {
  const { pem } = pushCertificate(TOPIC, 100)
  const end = clock.now() / 1000 + 100.5 * 86_400
  const device = await enrolled()
  await listedAs(device, 'enrolled')
  const its = { ...env, PUSH_CERTIFICATE: pem }
  turn(16 * MINUTE)
  await serve('/healthz')
  const families = await scrape(its)
  for (const [name, { type, help, series }] of Object.entries(families)) {
    expect(name).toMatch(type === 'counter' ? /^edgemdm_\w+_total$/ : /^edgemdm_\w+(?<!_total)$/)
    expect(help.length).toBeGreaterThan(10)
    expect(Object.keys(series).join()).not.toContain(device.udid)
  }
  expect(families['edgemdm_build_info']?.series).toEqual({
    [`{version="${(await (await serve('/healthz')).json<{ version: string }>()).version}"}`]: 1,
  })
  expect(families).toMatchObject({
    edgemdm_push_certificate_not_after_timestamp_seconds: {
      series: { [`{name="${TOPIC}"}`]: expect.closeTo(end, -1) },
    },
    edgemdm_push_circuit_open: { series: { [`{topic="${TOPIC}"}`]: 0 } },
    edgemdm_webhook_down: { series: { '{webhook="webhook"}': expect.any(Number) } },
    edgemdm_d1_bytes: { series: { '': expect.any(Number) } },
  })
})

it('counts devices, messages, commands and pushes', async () => {
  const enrolledBefore = await figure('devices', '{state="enrolled"}')
  const connects = await figure('device_requests_total', '{kind="connect",code="200"}')
  const checkins = await figure('device_requests_total', '{kind="checkin",code="200"}')
  const answered = await figure('commands_total', '{result="acknowledged"}')
  const delivered = await figure('pushes_total', '{result="delivered"}')
  const device = await enrolled()
  await api('POST', `/api/devices/${device.udid}/commands`, {
    request_type: 'DeviceInformation',
    queries: ['OSVersion'],
  })
  await pushes(device)
  await device.poll()
  await listedAs(device, 'enrolled')
  expect(await figure('devices', '{state="enrolled"}')).toBe(enrolledBefore + 1)
  expect(await figure('devices_seen', '{within="2d"}')).toBeGreaterThan(0)
  expect(await figure('device_requests_total', '{kind="checkin",code="200"}')).toBe(checkins + 2)
  expect(await figure('device_requests_total', '{kind="connect",code="200"}')).toBe(connects + 2)
  expect(await figure('commands_total', '{result="acknowledged"}')).toBe(answered + 1)
  expect(await figure('pushes_total', '{result="delivered"}')).toBe(delivered + 1)
})

it('counts wrong keys', async () => {
  vi.spyOn(console, 'warn').mockImplementation(() => undefined)
  const before = await figure('auth_failures_total')
  await serve('/api/devices', { headers: { authorization: 'Bearer wrong' } })
  expect(await figure('auth_failures_total')).toBe(before + 1)
})

it('reads the list of devices once in five minutes, however often it is asked', async () => {
  let scans = 0
  const DB = new Proxy(env.DB, {
    get: (d1, name) => {
      const member: unknown = Reflect.get(d1, name)
      return typeof member !== 'function'
        ? member
        : (...given: unknown[]): unknown => {
            scans += Number(name === 'prepare' && String(given[0]).includes('seen30d'))
            return Reflect.apply(member, d1, given)
          }
    },
  })
  turn(16 * MINUTE)
  for (let asked = 0; asked < 10; asked++) {
    await scrape({ ...env, DB })
    turn(MINUTE)
  }
  expect(scans).toBe(2)
})

it('shows the figures of before while D1 does not answer', async () => {
  vi.spyOn(console, 'warn').mockImplementation(() => undefined)
  const before = await scrape()
  turn(16 * MINUTE)
  const failing = {
    prepare: () => ({
      bind: () => {
        throw new Error('D1_ERROR: Network connection lost')
      },
    }),
  }
  const after = await scrape({ ...env, DB: failing })
  expect(after['edgemdm_devices']).toEqual(before['edgemdm_devices'])
  expect(after['edgemdm_gauges_timestamp_seconds']).toEqual(
    before['edgemdm_gauges_timestamp_seconds'],
  )
  expect(after['edgemdm_degraded']?.series).toMatchObject({
    '{check="directory",level="down"}': 1,
  })
})
