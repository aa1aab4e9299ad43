import { afterEach, expect, it } from 'vitest'
import { newState, start, type RunningServer } from './server.ts'

let server: RunningServer | undefined

afterEach(async () => {
  await server?.stop()
})

interface Health {
  readonly push_topic: string
  readonly checks: readonly { readonly id: string; readonly findings: readonly object[] }[]
}

it('objects, the queue, the way to APNs and a simulated device pass their probes', async () => {
  server = await start(await newState(), ['--devices', '1'], 'simulated device enrolled')
  const edge = server
  const { body } = await edge.api<Health>('GET', '/api/health')
  const found = body.checks.filter(({ findings }) => findings.length > 0)
  expect(found).toEqual([])
  for (const [probe, seen] of [
    ['objects', 'an object wrote, and got its alarm'],
    ['queue', 'a message came through the queue'],
    ['push', `APNs takes the certificate and the topic ${body.push_topic}: BadDeviceToken`],
    ['devices', 'looked at 1 of 1 devices'],
  ] as const) {
    const answer = await edge.api('POST', `/api/health/probes/${probe}`)
    expect(answer).toMatchObject({
      status: 200,
      body: { probe, seen: expect.stringContaining(seen), findings: [] },
    })
  }
})
