import { describe, expect, it } from 'vitest'
import { type BoltBucket, readBolt } from '../../../../src/migration/bolt/bolt.ts'
import { type BoltContent, type BoltLayout, writeBolt, writeBoltImage } from '../bolt-file.ts'

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

/** A bucket as plain data, in the order in which it was read. */
function plain({ entries, buckets }: BoltBucket): unknown {
  return {
    entries: entries.map(({ key, value }) => [hex(key), hex(value)]),
    buckets: [...buckets].map(([name, bucket]) => [name, plain(bucket)]),
  }
}

function expected({ entries = [], buckets = {} }: BoltContent): unknown {
  const pairs = Array.from(entries, ([key, value]) => [
    hex(Buffer.from(key)),
    hex(Buffer.from(value)),
  ])
  const order = ([one = '']: readonly string[], [other = '']: readonly string[]): number =>
    one < other ? -1 : 1
  return {
    entries: pairs.toSorted(order),
    buckets: Object.entries(buckets)
      .toSorted(([one], [other]) => (one < other ? -1 : 1))
      .map(([name, bucket]) => [name, expected(bucket)]),
  }
}

const many = (count: number): [string, string][] =>
  Array.from({ length: count }, (_, n) => [`key ${n}`, `value ${n} `.repeat(n % 7)])

const CONTENTS: Readonly<Record<string, BoltContent>> = {
  'no bucket': {},
  'an empty bucket': { buckets: { a: {} } },
  'an inline bucket': { buckets: { a: { entries: [['k', 'v']] } } },
  'a bucket of many pages': { buckets: { a: { entries: many(5000) }, b: { entries: many(2) } } },
  'values with overflow pages': {
    buckets: {
      a: {
        entries: [
          ['a', 'x'.repeat(70_000)],
          ['b', ''],
          ['c', 'y'.repeat(4096)],
        ],
      },
    },
  },
  'buckets in buckets': {
    buckets: {
      a: {
        entries: many(3),
        buckets: { b: { entries: many(300), buckets: { c: { entries: [['k', 'v']] } } }, d: {} },
      },
    },
  },
  'keys and values of any bytes': {
    buckets: {
      a: {
        entries: [
          [Uint8Array.of(255, 0), Uint8Array.of(0)],
          [Uint8Array.of(0), ''],
        ],
      },
    },
  },
}

const LAYOUTS: Readonly<Record<string, BoltLayout>> = {
  'pages of 4096 bytes': {},
  'pages of 1024 bytes': { pageSize: 1024 },
  'pages of 65536 bytes': { pageSize: 65_536 },
  'free pages between': { freeEach: 3 },
  'no list of free pages': { hasFreelist: false },
  'two elements a page': { perPage: 2, freeEach: 5 },
  'an even transaction': { transaction: 2n ** 60n },
}

describe.each(Object.entries(LAYOUTS))('a file with %s', (_, layout) => {
  it.each(Object.entries(CONTENTS))('is read: %s', (__, content) => {
    expect(plain(readBolt(writeBolt(content, layout)).root)).toEqual(expected(content))
  })
})

describe('a file', () => {
  const content = { buckets: { a: { entries: many(200) } } }

  it('may have branches above branches', () => {
    const { bytes, pages } = writeBoltImage(content, { perPage: 3 })
    expect(Math.max(...pages.map(({ level }) => level))).toBeGreaterThanOrEqual(3)
    expect(plain(readBolt(bytes).root)).toEqual(expected(content))
  })

  it('may have so many free pages that their count is in the list', () => {
    const { bytes, free, pages } = writeBoltImage(content, { perPage: 3, freeEach: 4 })
    const list = bytes.subarray((pages.find(({ kind }) => kind === 'freelist')?.id ?? 0) * 4096)
    list.writeUInt16LE(0xffff, 10)
    for (const [n, id] of [free.length, ...free].entries()) {
      list.writeBigUInt64LE(BigInt(id), 16 + n * 8)
    }
    expect(readBolt(bytes).lostPages).toBe(0)
  })

  it('may be longer than its pages: bolt makes room in advance', () => {
    const bytes = Buffer.concat([writeBolt(content), Buffer.alloc(100_000)])
    expect(plain(readBolt(bytes).root)).toEqual(expected(content))
  })

  it('may be a view into a larger buffer, of any alignment', () => {
    const bytes = writeBolt(content)
    const larger = new Uint8Array(bytes.length + 3)
    larger.set(bytes, 3)
    expect(plain(readBolt(larger.subarray(3)).root)).toEqual(expected(content))
  })

  it('is not copied: its values are views', () => {
    const bytes = writeBolt(content)
    const [entry] = readBolt(bytes).root.buckets.get('a')?.entries ?? []
    expect(entry?.value.buffer).toBe(bytes.buffer)
  })

  it('with pages that are neither used nor free says how many', () => {
    const { bytes, free } = writeBoltImage(content, { perPage: 3, freeEach: 4 })
    expect(readBolt(bytes).lostPages).toBe(0)
    // The list of free pages is the last page: without its count it is empty.
    bytes.writeUInt16LE(0, bytes.length - 4096 + 10)
    expect(readBolt(bytes).lostPages).toBe(free.length)
  })
})
