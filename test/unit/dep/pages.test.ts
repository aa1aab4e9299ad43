import { describe, expect, it } from 'vitest'
import { type KnownDepDevice, mergePage, readDepPage } from '../../../src/dep/pages.ts'
import type { DepDevice } from '../../../src/dep/records.ts'

const entry = (op_type: string, second: number, more: object = {}): DepDevice => ({
  serial_number: 'C1',
  op_type,
  op_date: `2026-06-01T00:00:0${second}Z`,
  ...more,
})
const known = (live: boolean, second: number): ReadonlyMap<string, KnownDepDevice> =>
  new Map([['C1', { live, opDate: `2026-06-01T00:00:0${second}Z` }]])
const NONE = new Map<string, KnownDepDevice>()

describe('a page', () => {
  it('has a cursor and its devices; entries without a serial number are left out', () => {
    const devices = [entry('added', 1), {}, { serial_number: '' }, 'x', null]
    const answer = { cursor: 'c', devices, fetched_until: 'x', more_to_follow: true }
    expect(readDepPage(answer)).toEqual({ cursor: 'c', devices: [entry('added', 1)], more: true })
    expect(readDepPage({ cursor: 'c' })).toEqual({ cursor: 'c', devices: [], more: false })
  })

  it('has no device with a serial number that is none, and not more than a page can have', () => {
    const devices = ['A B', 'A\u0000', 'Ä', 'x'.repeat(65)].map((serial_number) => ({
      serial_number,
    }))
    expect(readDepPage({ cursor: 'c', devices })).toMatchObject({ devices: [] })
    const many = Array.from({ length: 10_001 }, () => ({ serial_number: 'A' }))
    expect(readDepPage({ cursor: 'c', devices: many })).toBeUndefined()
  })

  it.each([undefined, [], {}, { cursor: 1 }, { cursor: '' }, { cursor: 'x'.repeat(4097) }])(
    'is none without a cursor: %j',
    (json) => {
      expect(readDepPage(json)).toBeUndefined()
    },
  )
})

describe('what a page changes', () => {
  it.each([
    { what: 'deleted, then added', page: [entry('deleted', 1), entry('added', 2)], live: true },
    { what: 'added, then deleted', page: [entry('added', 1), entry('deleted', 2)], live: false },
    {
      what: 'deleted first, but later',
      page: [entry('deleted', 2), entry('added', 1)],
      live: false,
    },
    {
      what: 'deleted and added at once',
      page: [entry('deleted', 1), entry('added', 1)],
      live: true,
    },
    {
      what: 'added and deleted at once',
      page: [entry('added', 1), entry('deleted', 1)],
      live: true,
    },
  ])('$what: the device is there: $live', ({ page, live }) => {
    const changes = mergePage(NONE, page)
    expect(changes.map((change) => change.live)).toEqual([live])
  })

  it('is the later one of two entries with one date', () => {
    const page = [entry('modified', 1, { color: 'RED' }), entry('modified', 1, { color: 'BLUE' })]
    expect(mergePage(NONE, page).map(({ device }) => device['color'])).toEqual(['BLUE'])
  })

  it('is not what an earlier page said with a newer date', () => {
    expect(mergePage(known(true, 5), [entry('deleted', 4)])).toEqual([])
    expect(mergePage(known(true, 5), [entry('deleted', 6)])).toMatchObject([{ live: false }])
    expect(mergePage(known(true, 5), [entry('deleted', 5)])).toEqual([])
    expect(mergePage(known(false, 5), [entry('added', 5)])).toMatchObject([{ live: true }])
  })

  it('goes by time, not by text', () => {
    const page = [
      entry('added', 1, { op_date: '2026-06-01T10:00:00+02:00' }),
      entry('deleted', 1, { op_date: '2026-06-01T09:00:00Z' }),
    ]
    expect(mergePage(NONE, page)).toMatchObject([{ live: false }])
  })

  it('counts a date that is no text as none', () => {
    const odd: object = { op_date: { toString: 1 } }
    const page = [entry('added', 1, odd), entry('modified', 2, odd)]
    expect(mergePage(NONE, page)).toMatchObject([{ opDate: '', live: true }])
  })

  it('is each device of a full fetch, whose entries have no date', () => {
    const page = ['A', 'B', 'A'].map((serial_number, n) => ({ serial_number, n }))
    expect(mergePage(NONE, page)).toEqual([
      { device: { serial_number: 'A', n: 2 }, live: true, opDate: '' },
      { device: { serial_number: 'B', n: 1 }, live: true, opDate: '' },
    ])
  })
})
