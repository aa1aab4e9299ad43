import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { COUNTERS, type Operation } from '../../../../src/cli/cost/counters.ts'
import { wallRows } from '../../../../src/cli/cost/free.ts'
import { type PricedFleet, priceOf, monthlyTotal, usageOf } from '../../../../src/cli/cost/model.ts'
import { fleetTable, freeTable } from '../../../../src/cli/cost/show.ts'

const page = readFileSync(join(import.meta.dirname, '../../../../docs/cost.md'), 'utf8')

/** What the options of the command are without a flag. */
const FLEET: PricedFleet = {
  devices: 10_000,
  connects: 6,
  commands: 1,
  webhook: true,
  enrolments: 0.03,
  callLogs: false,
  packages: 0,
}

const COUNTED: readonly (readonly [string, Operation])[] = [
  ['enrolment', 'enrolment'],
  ['check-in of a known device', 'tokenUpdate'],
  ['being seen, once in `LAST_SEEN_RESOLUTION`', 'lastSeen'],
  ['Idle, without a webhook', 'idle'],
  ['Idle, with a webhook', 'idleWithWebhook'],
  ['command, without a webhook', 'command'],
  ['command and its Idle, with a webhook', 'commandWithWebhook'],
]

describe('docs/cost.md has', () => {
  it('the table of fleets as the command prints it', () => {
    expect(page).toContain(`\n${fleetTable(FLEET)}\n`)
  })

  it('the limits of the free plan as the command prints them', () => {
    expect(page).toContain(`\n${freeTable(FLEET)}\n`)
  })

  it.each(COUNTED)('the counters of “%s”', (words, name) => {
    const { requests, objectCalls, rows, directoryRows, messages, lines } = COUNTERS[name]
    const cells = [words, requests, objectCalls, rows, directoryRows, messages, lines]
    expect(page).toContain(`\n| ${cells.join(' | ')} |\n`)
  })
})

describe('what breaks first on the free plan', () => {
  const [, ...rows] = wallRows(FLEET)
  const walls = new Map(rows.map(([limit = '', loud, quiet]) => [limit, { loud, quiet }]))

  it('is the queue with a webhook that wants everything, at the devices that use it up', () => {
    // Seven messages a day, each of which is written, read and deleted.
    expect(Math.floor(10_000 / (7 * 3))).toBe(476)
    expect(rows[0]?.slice(0, 2)).toEqual(['10,000 queue operations a day', '470 devices'])
  })

  it('is nothing of the queue without a webhook', () => {
    expect(walls.get('10,000 queue operations a day')?.quiet).toBe('never')
  })

  it('comes with storage for a number of devices, and not for a number a day', () => {
    expect(walls.get('5 object storage GB')?.loud).toBe('50,000 devices')
  })
})

describe('logs', () => {
  const fleet = { ...FLEET, devices: 100_000, webhook: false }

  it('as shipped cost nothing', () => {
    const usage = usageOf(fleet)
    // One line of 1 KB for each command, and one for each enrolment.
    expect(usage['observability GB']).toBeCloseTo(3.003)
    expect(priceOf('observability GB', usage['observability GB'])).toBe(0)
  })

  it('with a record of each call cost more than the fleet itself', () => {
    const more = monthlyTotal(usageOf({ ...fleet, callLogs: true })) - monthlyTotal(usageOf(fleet))
    // 117.4 GB, of which 50 are included; a fleet's week of it is kept.
    expect(more).toBeCloseTo(67.4 * 0.25 + (27.4 - 12) * 0.1, 0)
  })

  it('are not what packages cost', () => {
    expect(priceOf('R2 GB', usageOf({ ...fleet, packages: 110 })['R2 GB'])).toBeCloseTo(1.5)
  })
})
