import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { PATIENCE } from '../patience.ts'
import { newState, start, type RunningServer } from './server.ts'

/** The objects that stay within 5 MB. */
const BUDGET = 5
const INFO = { request_type: 'DeviceInformation', queries: ['OSVersion'] }

/** The databases of devices that workerd holds open. */
function openObjects({ state }: RunningServer): number {
  const [workerd] = readFileSync(join(state, 'workerd.status'), 'utf8').split(' ')
  const files = `/proc/${workerd}/fd`
  return readdirSync(files).filter((file) => isDatabase(join(files, file))).length
}

function isDatabase(link: string): boolean {
  try {
    return /Device\/[0-9a-f]{64}\.sqlite$/.test(readlinkSync(link))
  } catch {
    // It was closed in the meantime.
    return false
  }
}

it('objects beyond the budget give back their files, and no call and no row is lost', async () => {
  const edge = await start(await newState(), ['--memory', '5M'])
  onTestFinished(async () => void (await edge.stop()))
  const open = edge.api('POST', '/api/devices/WAITING/commands?wait=60', INFO)
  const ids = Array.from({ length: 4 * BUDGET }, (_, n) => `QUEUED-${n}`)
  for (const id of ids) {
    const { status } = await edge.api('POST', '/v1/commands', { ...INFO, udid: id })
    expect(status).toBe(201)
  }
  await expect
    .poll(() => openObjects(edge), { timeout: PATIENCE, interval: 250 })
    .toBeLessThanOrEqual(BUDGET + 1)
  // The object with an open call is still there.
  const cleared = await edge.api('DELETE', '/api/devices/WAITING/commands')
  expect(cleared.status).toBe(200)
  expect((await open).status).toBeLessThan(300)
  for (const id of ids) {
    const { body } = await edge.api<{ commands: unknown[] }>('GET', `/v1/commands/${id}`)
    expect(body.commands).toHaveLength(1)
  }
})
