import { expect, it } from 'vitest'
import type { PlannedItem } from '../../../../src/cli/move/plan.ts'
import { batchesOf, sendItems } from '../../../../src/cli/move/send.ts'
import { createProgress } from '../../../../src/cli/progress.ts'
import { calling } from './http.ts'

const item = (n: number, size = 3): PlannedItem => ({
  kind: 'device',
  id: `UDID-${String(n).padStart(4, '0')}`,
  data: new Uint8Array(size).fill(n),
  digest: `digest ${n}`,
})
const items = (count: number, size?: number): PlannedItem[] =>
  Array.from({ length: count }, (_, n) => item(n, size))
const quiet = createProgress({ write: () => undefined })

it('a request has at most 100 items and 4 MB of base64, and a longer item goes alone', () => {
  const sizes = (all: readonly PlannedItem[]) => batchesOf(all).map(({ length }) => length)
  expect(sizes(items(250))).toEqual([100, 100, 50])
  expect(sizes(items(7, 900_000))).toEqual([3, 3, 1])
  expect(sizes([item(1), item(2, 9_000_000), item(3)])).toEqual([1, 1, 1])
  expect(batchesOf(items(250)).flat()).toEqual(items(250))
  expect(batchesOf([])).toEqual([])
})

it('only items that are missing or different are sent, in the order of the copy', async () => {
  const sent: string[][] = []
  const pages: Record<string, object> = {
    '/api/moves/M/items?kind=device': {
      items: [
        { id: 'UDID-0000', digest: 'digest 0' },
        { id: 'UDID-0001', digest: 'an older one' },
      ],
      next: 'the next&page',
    },
    '/api/moves/M/items?kind=device&cursor=the%20next%26page': {
      items: [{ id: 'UDID-0002', digest: 'digest 2' }],
      next: null,
    },
  }
  const { call } = await calling(({ method, path, body }) => {
    if (method === 'PUT') {
      const put: { items: { id: string; data: string }[] } = JSON.parse(body)
      sent.push(put.items.map(({ id, data }) => `${id} ${data}`))
    }
    return { status: 200, body: pages[path] ?? { items: [], next: null } }
  })
  expect(await sendItems(call, 'M', items(4), quiet)).toEqual({ sent: 2, refused: [] })
  expect(sent).toEqual([['UDID-0001 AQEB', 'UDID-0003 AwMD']])
})

it('an item that the server refuses is kept as it came, and the others are stored', async () => {
  const stored: string[] = []
  const { call } = await calling(({ method, body }) => {
    if (method !== 'PUT') {
      return { status: 200, body: { items: [], next: null } }
    }
    const put: { items: { kind: string; id: string }[] } = JSON.parse(body)
    if (put.items.some(({ kind, id }) => kind === 'device' && id === 'UDID-0003')) {
      return { status: 400, body: { detail: 'json.items[3].data: its token cannot be pushed' } }
    }
    stored.push(...put.items.map(({ kind, id }) => `${kind} ${id}`))
    return { status: 200 }
  })
  const { refused } = await sendItems(call, 'M', items(6), quiet)
  expect(refused).toMatchObject([{ what: 'refused', about: 'device UDID-0003' }])
  expect(refused[0]?.detail).toContain('its token cannot be pushed')
  expect(stored).toEqual([
    'device UDID-0000',
    'device UDID-0001',
    'device UDID-0002',
    'kept refused/device/UDID-0003',
    'device UDID-0004',
    'device UDID-0005',
  ])
})

it('a busy server and a lost connection are asked again, later and later', async () => {
  const answers = [
    { status: 200 },
    { status: 503, body: { detail: 'D1 is busy' } },
    { status: 429, headers: { 'retry-after': '40' } },
    'close',
    { status: 200, body: { done: true } },
  ] as const
  let n = 0
  const { call, waits, said } = await calling(() => answers[n++] ?? 'close')
  await call('GET', '/api/moves')
  expect(await call('GET', '/api/moves')).toBe('{"done":true}')
  expect(waits).toEqual([500, 40_000, 2000])
  expect(said[0]).toContain('answered 503: D1 is busy: trying again in 0.5 s')
  expect(said[2]).toContain('does not answer')
})

it('a refusal is not repeated, nor is a first call without an answer', async () => {
  const { call, waits } = await calling(({ path }) =>
    path === '/lost' ? 'close' : { status: 409, body: { detail: 'not ready' } },
  )
  await expect(call('GET', '/lost')).rejects.toThrow('does not answer')
  await expect(call('POST', '/api/moves', {})).rejects.toThrow('answered 409: not ready')
  expect(waits).toEqual([])
})

it('a server that stays away is given up after some minutes', async () => {
  let isThere = true
  const { call, waits } = await calling(() => (isThere ? { status: 200 } : 'close'))
  await call('GET', '/api/moves')
  isThere = false
  await expect(call('GET', '/api/moves')).rejects.toThrow('does not answer')
  expect(waits.reduce((sum, wait) => sum + wait, 0)).toBeGreaterThan(100_000)
})

it('progress is one line on a terminal, and a line every ten percent elsewhere', () => {
  const shown = (isTTY: boolean): string => {
    let text = ''
    const progress = createProgress({ isTTY, write: (part) => (text += part) })
    for (const done of Array.from({ length: 101 }, (_, n) => n)) {
      progress.show('Sent', done, 100)
    }
    progress.say('Done.')
    return text
  }
  expect(shown(false).split('\n')).toHaveLength(13)
  expect(shown(false)).toContain('Sent: 50 of 100\n')
  expect(shown(true).split('\n')).toHaveLength(2)
  expect(shown(true)).toContain('\r\u001b[KDone.\n')
})
