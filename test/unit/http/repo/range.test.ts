import { describe, expect, it } from 'vitest'
import { answerFor } from '../../../../src/http/repo/range.ts'

const MODIFIED = Date.parse('2026-11-29T09:00:00.700Z')
const FILE = { etag: '"abc"', size: 1000, modified: MODIFIED }
const AT = new Date(MODIFIED).toUTCString()
const BEFORE = new Date(MODIFIED - 60_000).toUTCString()
const AFTER = new Date(MODIFIED + 60_000).toUTCString()

const answer = (headers: Record<string, string>, file = FILE) =>
  answerFor(new Headers(headers), file)

describe('a request for a file', () => {
  it.each([
    ['bytes=0-0', 0, 1],
    ['bytes=0-', 0, 1000],
    ['bytes=990-5000', 990, 10],
    ['bytes=-10', 990, 10],
    ['bytes=-5000', 0, 1000],
  ])('gets the part %s', (range, offset, length) => {
    expect(answer({ range })).toEqual({ status: 206, offset, length })
  })

  it.each(['bytes=1000-', 'bytes=-0', 'bytes=5000-6000'])('gets 416 for %s', (range) => {
    expect(answer({ range })).toEqual({ status: 416 })
  })

  it('has no part of an empty file', () => {
    expect(answer({ range: 'bytes=0-' }, { ...FILE, size: 0 })).toEqual({ status: 416 })
  })

  it.each(['bytes=-', 'bytes=5-2', 'bytes=0-1,5-6', 'items=0-1', 'bytes=a-b', ''])(
    'gets the whole file for %j',
    (range) => {
      expect(answer({ range })).toEqual({ status: 200 })
    },
  )

  it('gets the whole file where the part that it has is of another version', () => {
    const range = 'bytes=0-9'
    for (const same of ['"abc"', AT]) {
      expect(answer({ range, 'if-range': same })).toMatchObject({ status: 206 })
    }
    for (const other of ['"abd"', 'W/"abc"', BEFORE, AFTER, '']) {
      expect([other, answer({ range, 'if-range': other })]).toEqual([other, { status: 200 }])
    }
  })

  it('has no ranges for HEAD', () => {
    expect(answerFor(new Headers({ range: 'bytes=0-9' }), FILE, true)).toEqual({ status: 200 })
  })

  it.each([
    [{ 'if-none-match': '"abc"' }, 304],
    [{ 'if-none-match': '"x", W/"abc"' }, 304],
    [{ 'if-none-match': '*' }, 304],
    [{ 'if-none-match': '"x"' }, 200],
    [{ 'if-none-match': '"x"', 'if-modified-since': AFTER }, 200],
    [{ 'if-modified-since': AT }, 304],
    [{ 'if-modified-since': BEFORE }, 200],
    [{ 'if-modified-since': 'yesterday' }, 200],
    [{ 'if-match': '"abc"' }, 200],
    [{ 'if-match': '*' }, 200],
    [{ 'if-match': '"x"' }, 412],
    [{ 'if-match': 'W/"abc"' }, 412],
    [{ 'if-unmodified-since': AT }, 200],
    [{ 'if-unmodified-since': BEFORE }, 412],
    [{ 'if-match': '"x"', 'if-none-match': '"abc"' }, 412],
    [{ 'if-none-match': '"abc"', range: 'bytes=0-9' }, 304],
  ])('with %j gets %i', (headers, status) => {
    expect(answer(headers as unknown as Record<string, string>)).toEqual({ status })
  })
})
