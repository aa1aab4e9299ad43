import { Buffer } from 'node:buffer'
import { describe, expect, it } from 'vitest'
import { boundaryOf, readForm, textOfPart } from '../../../src/repo/form.ts'

const BOUNDARY = '7f1c0e5d'

/** The bytes in chunks of some length, as a network delivers them. */
async function* inChunks(text: string, length: number): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(text)
  for (let at = 0; at < bytes.length; at += length) {
    yield bytes.subarray(at, at + length)
  }
}

function part(headers: string, content: string): string {
  return `--${BOUNDARY}\r\n${headers}\r\n\r\n${content}\r\n`
}

const disposition = (rest: string): string => `Content-Disposition: form-data; ${rest}`

async function partsOf(text: string, length = text.length) {
  const parts: { name: string; filename: string; text: string }[] = []
  for await (const one of readForm(inChunks(text, length), BOUNDARY)) {
    parts.push({ name: one.name, filename: one.filename, text: await textOfPart(one) })
  }
  return parts
}

const FORM =
  part(
    `${disposition('name="file"; filename="a.pkg"')}\r\nContent-Type: application/octet-stream`,
    `\r\n--7f1c\r\n--\r\n${BOUNDARY}\r`,
  ) +
  part(disposition('name="empty"'), '') +
  part(disposition('name="pkg_name"'), 'a.pkg') +
  `--${BOUNDARY}--\r\n`

describe('a form', () => {
  it.each([1, 2, 3, 7, 11, 64, 10_000])(
    'has the same parts in chunks of %i bytes',
    async (length) => {
      expect(await partsOf(FORM, length)).toEqual([
        { name: 'file', filename: 'a.pkg', text: `\r\n--7f1c\r\n--\r\n${BOUNDARY}\r` },
        { name: 'empty', filename: '', text: '' },
        { name: 'pkg_name', filename: '', text: 'a.pkg' },
      ])
    },
  )

  it('may skip the bytes of a part', async () => {
    const names: string[] = []
    for await (const { name } of readForm(inChunks(FORM, 5), BOUNDARY)) {
      names.push(name)
    }
    expect(names).toEqual(['file', 'empty', 'pkg_name'])
  })

  it('has names in quotes, with escapes, and a preamble and an end that say nothing', async () => {
    const form =
      `hello\r\n${part(`Content-Type: x\r\ncontent-disposition: form-data;name="a\\"b";FILENAME=c.pkg`, 'x')}` +
      `--${BOUNDARY}--\r\nbye`
    expect(await partsOf(form)).toEqual([{ name: 'a"b', filename: 'c.pkg', text: 'x' }])
  })

  it.each([
    ['ends before its end', FORM.slice(0, -8), 'breaks off'],
    ['ends in the headers', FORM.slice(0, 30), 'breaks off'],
    ['is empty', '', 'breaks off'],
    ['is something else', 'x'.repeat(100), 'breaks off'],
    ['has a part without disposition', part('Content-Type: x', 'x'), 'no Content-Disposition'],
    [
      'has headers without end',
      `--${BOUNDARY}\r\n${disposition(`name="${'x'.repeat(9000)}`)}`,
      'longer than 8192',
    ],
    ['has a long name', part(disposition('name="pkg_name"'), 'x'.repeat(5000)), 'longer than 4096'],
  ])('is refused when it %s', async (_, form, fault) => {
    await expect(partsOf(form, 100)).rejects.toThrow(fault)
  })

  it('lets go of its body when it is refused', async () => {
    let isEnded = false
    async function* body() {
      try {
        yield Buffer.from(`--${BOUNDARY}\r\nX: y\r\n\r\n`)
        yield Buffer.from('more')
      } finally {
        isEnded = true
      }
    }
    await expect(readForm(body(), BOUNDARY).next()).rejects.toThrow('Content-Disposition')
    expect(isEnded).toBe(true)
  })
})

describe('the boundary of a content type', () => {
  it.each([
    ['multipart/form-data; boundary=abc', 'abc'],
    ['Multipart/Form-Data;boundary="a b=c"', 'a b=c'],
    ['multipart/form-data; charset=utf-8; boundary=abc', 'abc'],
    ['multipart/mixed; boundary=abc', undefined],
    ['application/json', undefined],
    ['multipart/form-data', undefined],
    ['', undefined],
  ])('of %j is %j', (type, boundary) => {
    expect(boundaryOf(type)).toBe(boundary)
  })
})
