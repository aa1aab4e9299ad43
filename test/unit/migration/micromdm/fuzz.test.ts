import fc from 'fast-check'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { FileFault } from '../../../../src/migration/fault.ts'
import { type MicroMdmFleet, readFleet } from '../../../../src/migration/micromdm/fleet.ts'
import { writeMicroMdm } from '../micromdm-file.ts'

const NOW = Date.UTC(2027, 0)
const FIXTURE = join(import.meta.dirname, '../../../vectors/micromdm-1.13.1/micromdm.db')

/** Something of everything, in as few bytes as possible: most of them matter. */
const BUILT = writeMicroMdm(
  {
    devices: [
      { udid: 'U1', commands: ['A'], notNow: ['B'], users: [{ userId: 'A1', commands: ['C'] }] },
      { udid: 'U2', hasRecord: false, isBlocked: true },
    ],
    enrollments: [{ id: 'E1' }],
    depDevices: ['C02'],
    profiles: { p: '<plist/>' },
    blueprints: [{ name: 'staff' }],
    accounts: ['ladmin'],
    challenges: ['one'],
    depTokens: { CK_1: '{}' },
    depCursor: '{"cursor":{"value":"v","created_at":"2026-11-28T00:00:00Z"}}',
    autoAssigners: { '*': 'P' },
  },
  { pageSize: 1024, perPage: 3, freeEach: 8 },
)

const SAMPLES: readonly (readonly [title: string, bytes: Uint8Array, numRuns: number])[] = [
  ['the file that MicroMDM wrote', readFileSync(FIXTURE), 30],
  ['a small file', BUILT, 300],
]

/** The fleet, or `undefined` for a fault. Anything else that is thrown fails the test. */
function tryRead(bytes: Uint8Array): MicroMdmFleet | undefined {
  try {
    return readFleet(bytes, { now: NOW })
  } catch (error) {
    if (error instanceof FileFault) {
      expect(error.message).toMatch(/^The |^This |^Both |^MicroMDM /)
      return undefined
    }
    throw error
  }
}

describe.each(SAMPLES)('%s', (_, bytes, numRuns) => {
  const place = fc.integer({ min: 0, max: bytes.length - 1 })

  it('with bytes that are changed is read or refused', () => {
    const changes = fc.array(fc.tuple(place, fc.integer({ min: 1, max: 255 })), {
      minLength: 1,
      maxLength: 8,
    })
    fc.assert(
      fc.property(changes, (all) => {
        const changed = Uint8Array.from(bytes)
        for (const [at, flip] of all) {
          changed[at] = (changed[at] ?? 0) ^ flip
        }
        const fleet = tryRead(changed)
        expect(JSON.stringify(fleet ?? '').length).toBeLessThan(bytes.length * 3)
      }),
      { numRuns },
    )
  })

  it('with a part that is put elsewhere is read or refused', () => {
    fc.assert(
      fc.property(place, place, fc.integer({ min: 1, max: 5000 }), (from, to, length) => {
        const changed = Buffer.from(bytes)
        changed.copy(changed, to, from, from + length)
        tryRead(changed)
      }),
      { numRuns },
    )
  })

  it('that is cut off is the same or refused', () => {
    const whole = readFleet(bytes, { now: NOW })
    fc.assert(
      fc.property(place, (length) => {
        expect([undefined, whole]).toContainEqual(tryRead(bytes.subarray(0, length)))
      }),
      { numRuns },
    )
  })
})
