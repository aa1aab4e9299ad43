import { expect, it } from 'vitest'
import { newFeed, type FeedEntry } from '../../../src/live/feed.ts'

function entry(device: string, seq: number): FeedEntry {
  return { kind: 'command.sent', at: 0, device, seq }
}

function drained(feed: ReturnType<typeof newFeed>) {
  const items = []
  for (let item = feed.take(); item; item = feed.take()) {
    items.push(item.kind === 'entry' ? item.entry.seq : `missed ${item.skipped}`)
  }
  return items
}

it('gives entries in their order', () => {
  const feed = newFeed()
  feed.add([entry('A', 1), entry('B', 2)], 0)
  feed.add([entry('A', 3)], 0)
  expect(drained(feed)).toEqual([1, 2, 3])
  expect(feed.take()).toBeUndefined()
})

it('keeps a hundred for a slow reader, twenty of one device, and counts all others', () => {
  const feed = newFeed()
  feed.add(
    Array.from({ length: 500 }, (_, n) => entry('LOUD', n)),
    0,
  )
  feed.add(
    Array.from({ length: 200 }, (_, n) => entry(`D${n}`, 1000 + n)),
    7,
  )
  const items = drained(feed)
  expect(items[0]).toBe('missed 607')
  expect(items.slice(1)).toHaveLength(100)
  expect(items).toContain(1079)
})

it('says what is missing before the next entry, so that a client that comes back knows it', () => {
  const feed = newFeed()
  feed.add([entry('A', 1)], 0)
  expect(feed.take()).toMatchObject({ kind: 'entry' })
  feed.add([entry('A', 5)], 3)
  expect(drained(feed)).toEqual(['missed 3', 5])
})
