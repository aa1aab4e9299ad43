import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type BoltBucket, readBolt } from '../../../../src/migration/bolt/bolt.ts'
import { FileFault } from '../../../../src/migration/fault.ts'
import {
  type BoltContent,
  type BoltImage,
  metaPage,
  writeBolt,
  writeBoltImage,
} from '../bolt-file.ts'

const many = (count: number): [string, string][] =>
  Array.from({ length: count }, (_, n) => [`key ${n}`, `value ${n} `.repeat(n % 5)])

/** Branches, overflow, nested and inline buckets, and free pages. */
const IMAGE = writeBoltImage(
  {
    buckets: {
      a: { entries: [...many(60), ['long', 'x'.repeat(9000)]] },
      b: { entries: [['k', 'v']] },
      c: { entries: many(9), buckets: { d: { entries: many(40) }, e: {} } },
    },
  },
  { perPage: 4, freeEach: 6 },
)

function textOf({ entries, buckets }: BoltBucket): string {
  const values = entries.map(({ key, value }) => [
    Buffer.from(key).toString('latin1'),
    Buffer.from(value).toString('latin1'),
  ])
  return JSON.stringify([values, [...buckets].map(([name, bucket]) => [name, textOf(bucket)])])
}

const WHOLE = textOf(readBolt(IMAGE.bytes).root)

/** The content, or the code of the fault. Anything else that is thrown fails the test. */
function reading(bytes: Uint8Array): { readonly content: string } | { readonly code: string } {
  try {
    return { content: textOf(readBolt(bytes).root) }
  } catch (error) {
    if (error instanceof FileFault) {
      return { code: error.code }
    }
    throw error
  }
}

/** The file after a change to one of its pages. */
function changed(id: number, change: (page: Buffer) => void, image: BoltImage = IMAGE): Buffer {
  const bytes = Buffer.from(image.bytes)
  change(bytes.subarray(id * image.pageSize, (id + 1) * image.pageSize))
  return bytes
}

const pageOf = (kind: 'branch' | 'leaf' | 'freelist', from = 0): number =>
  IMAGE.pages.filter((page) => page.kind === kind)[from]?.id ?? 0

const BRANCH = pageOf('branch')
const LEAF = pageOf('leaf')

describe('damage to the structure is refused', () => {
  it.each<[string, Buffer]>([
    [
      'a page that is reached twice',
      changed(BRANCH, (page) => {
        page.copy(page, 16 + 16 + 8, 16 + 8, 16 + 16)
      }),
    ],
    [
      'a branch that leads to itself',
      changed(BRANCH, (page) => {
        page.writeBigUInt64LE(BigInt(BRANCH), 16 + 8)
      }),
    ],
    [
      'a branch that leads to a header',
      changed(BRANCH, (page) => {
        page.writeBigUInt64LE(1n, 16 + 8)
      }),
    ],
    [
      'a page beyond the last one',
      changed(BRANCH, (page) => {
        page.writeBigUInt64LE(2n ** 63n, 16 + 8)
      }),
    ],
    [
      'a free page that is reached',
      changed(BRANCH, (page) => {
        page.writeBigUInt64LE(BigInt(IMAGE.free[0] ?? 0), 16 + 8)
      }),
    ],
    [
      'a list of free pages that has a used one',
      changed(pageOf('freelist'), (page) => {
        page.writeBigUInt64LE(BigInt(LEAF), 16)
      }),
    ],
    [
      'a list of free pages that has its own page',
      changed(pageOf('freelist'), (page) => {
        page.writeBigUInt64LE(BigInt(pageOf('freelist')), 16)
      }),
    ],
    [
      'a list of free pages that is longer than its page',
      changed(pageOf('freelist'), (page) => {
        page.writeUInt16LE(0xffff, 10)
        page.writeBigUInt64LE(2n ** 62n, 16)
      }),
    ],
    [
      'a page under the number of another one',
      changed(LEAF, (page) => {
        page.writeBigUInt64LE(BigInt(LEAF + 1))
      }),
    ],
    [
      'a page of no kind',
      changed(LEAF, (page) => {
        page.writeUInt16LE(3, 8)
      }),
    ],
    [
      'overflow beyond the last page',
      changed(LEAF, (page) => {
        page.writeUInt32LE(0xffff_ffff, 12)
      }),
    ],
    [
      'an empty leaf below a branch',
      changed(LEAF, (page) => {
        page.writeUInt16LE(0, 10)
      }),
    ],
    [
      'an element that is missing at the end',
      changed(LEAF, (page) => {
        page.writeUInt16LE(page.readUInt16LE(10) - 1, 10)
      }),
    ],
    [
      'keys that are not in order',
      changed(LEAF, (page) => {
        page[16 + page.readUInt32LE(16 + 4)] = 0xff
      }),
    ],
    [
      'a first key below the one that leads to its page',
      changed(LEAF, (page) => {
        page[16 + page.readUInt32LE(16 + 4)] = 0
      }),
    ],
    [
      'a key below those of the page before',
      changed(pageOf('leaf', 1), (page) => {
        page[16 + page.readUInt32LE(16 + 4)] = 0
      }),
    ],
    [
      'an element of no kind',
      changed(LEAF, (page) => {
        page.writeUInt32LE(2, 16)
      }),
    ],
    [
      'two values of the same bytes',
      changed(LEAF, (page) => {
        page.writeUInt32LE(page.readUInt32LE(32 + 4) - 16, 32 + 4)
      }),
    ],
    [
      'a value that is longer than the file',
      changed(LEAF, (page) => {
        page.writeUInt32LE(0xffff_ffff, 16 + 12)
      }),
    ],
  ])('%s', (_, bytes) => {
    expect(reading(bytes)).toEqual({ code: 'damaged' })
  })

  it.each<[string, string, (page: Buffer) => number]>([
    ['a page of its own', 'x'.repeat(3000), () => 10],
    // Behind the element of the bucket in the root: its name, its header of 16 bytes, and its page.
    ['an inline page', 'v', (root) => 16 + root.readUInt32LE(16 + 4) + 1 + 16 + 10],
  ])('a bucket with %s that seems to be empty', (_, value, countAt) => {
    const image = writeBoltImage({ buckets: { a: { entries: [['k', value]] } } })
    const [{ id } = { id: 0 }] = image.pages
    const bytes = changed(id, (page) => page.writeUInt16LE(0, countAt(page)), image)
    expect(reading(bytes)).toEqual({ code: 'damaged' })
  })

  it('a key without bytes', () => {
    const image = writeBoltImage({ buckets: { a: { entries: [['k', 'x'.repeat(3000)]] } } })
    const keyIsValue = (page: Buffer): void => {
      page.writeUInt32LE(0, 16 + 8)
      page.writeUInt32LE(3001, 16 + 12)
    }
    expect(reading(changed(image.pages[0]?.id ?? 0, keyIsValue, image))).toEqual({
      code: 'damaged',
    })
  })

  it.each([
    [10, { content: expect.stringContaining('innermost') }],
    [100, { code: 'damaged' }],
  ])('buckets in buckets: %i levels', (levels, expected) => {
    let content: BoltContent = { entries: [['innermost', '']] }
    for (let level = 0; level < levels; level++) {
      content = { buckets: { b: content } }
    }
    expect(reading(writeBolt(content))).toEqual(expected)
  })
})

describe('the two headers', () => {
  const size = IMAGE.pageSize

  it.each([0, 1])('of which number %i is broken: the other one counts', (id) => {
    const bytes = changed(id, (page) => {
      page[16 + 50] = 0xaa
    })
    expect(readBolt(bytes).isHeaderDamaged).toBe(true)
    expect(reading(bytes)).toEqual({ content: WHOLE })
  })

  it('of which the first is broken are found at any page size', () => {
    const image = writeBoltImage({ buckets: { a: {} } }, { pageSize: 16_384 })
    const bytes = changed(0, (page) => page.fill(0xff), image)
    expect(readBolt(bytes).root.buckets.has('a')).toBe(true)
  })

  it('of which the newer one leads to a broken tree: the older one is not tried', () => {
    // The copy of a file that was written meanwhile: the page of the root is not yet written.
    const newer = metaPage(1, {
      pageSize: size,
      root: IMAGE.free[0] ?? 0,
      freelist: undefined,
      pages: IMAGE.bytes.length / size,
      transaction: 9n,
    })
    const bytes = changed(1, (page) => newer.copy(page))
    expect(() => readBolt(bytes)).toThrow(/was copied while it was written.*GET|boltbackup/)
  })
})

describe('one byte that is changed', () => {
  const inKeysAndValues = dataPlaces(IMAGE)
  const place = fc.integer({ min: 0, max: IMAGE.bytes.length - 1 })

  it('is read or refused, and nothing else', () => {
    fc.assert(
      fc.property(place, fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const bytes = Buffer.from(IMAGE.bytes)
        bytes[at] = (bytes[at] ?? 0) ^ flip
        reading(bytes)
      }),
      { numRuns: 700 },
    )
  })

  it('outside of keys and values changes no content unnoticed', () => {
    fc.assert(
      fc.property(place, fc.integer({ min: 1, max: 255 }), (at, flip) => {
        fc.pre(!inKeysAndValues.has(at))
        const bytes = Buffer.from(IMAGE.bytes)
        bytes[at] = (bytes[at] ?? 0) ^ flip
        const found = reading(bytes)
        expect('code' in found || found.content === WHOLE).toBe(true)
      }),
      { numRuns: 700 },
    )
  })
})

/**
 * The bytes of keys and values, and the sizes of the last element of each page: bolt has no checksum for them.
 */
function dataPlaces({ bytes, pages, pageSize }: BoltImage): Set<number> {
  const places = new Set<number>()
  for (const { id, kind } of pages.filter((page) => page.kind !== 'freelist')) {
    const start = id * pageSize
    const count = bytes.readUInt16LE(start + 10)
    for (let n = 0; n < count; n++) {
      const at = start + 16 + n * 16
      const [position, key, value] =
        kind === 'leaf'
          ? [bytes.readUInt32LE(at + 4), bytes.readUInt32LE(at + 8), bytes.readUInt32LE(at + 12)]
          : [bytes.readUInt32LE(at), bytes.readUInt32LE(at + 4), 0]
      for (let one = 0; one < key + value; one++) places.add(at + position + one)
    }
    for (let one = 4; one < 16; one++) places.add(start + count * 16 + one)
  }
  return places
}

describe('a file that is cut off', () => {
  it('is refused, or lacks unused pages alone', () => {
    const bytes = Buffer.concat([IMAGE.bytes, Buffer.alloc(8192)])
    fc.assert(
      fc.property(fc.integer({ min: 0, max: bytes.length }), (length) => {
        const found = reading(bytes.subarray(0, length))
        const isWhole = length >= IMAGE.bytes.length
        expect(isWhole ? found : 'code' in found).toEqual(isWhole ? { content: WHOLE } : true)
      }),
      { numRuns: 200 },
    )
  })
})

describe('a copy of a file that is written meanwhile', () => {
  it('has the pages of one state or another, or is refused', () => {
    const before = writeBoltImage({ buckets: { a: { entries: many(80) } } }, { perPage: 4 })
    const after = writeBoltImage(
      { buckets: { a: { entries: many(120) }, b: { entries: many(9) } } },
      { perPage: 4, freeEach: 5, transaction: 8n },
    )
    const whole = new Set([before, after].map(({ bytes }) => textOf(readBolt(bytes).root)))
    const outcomes = new Set<string>()
    for (let cut = 1; cut < before.bytes.length / 4096; cut++) {
      const torn = Buffer.concat([
        before.bytes.subarray(0, cut * 4096),
        after.bytes.subarray(cut * 4096),
      ])
      const found = reading(torn)
      const isWhole = 'content' in found && whole.has(found.content)
      outcomes.add(
        'code' in found ? found.code : isWhole ? 'whole' : `lost ${readBolt(torn).lostPages}`,
      )
    }
    expect(outcomes).toContain('damaged')
    expect([...outcomes].filter((one) => one === 'lost 0')).toEqual([])
  })
})
