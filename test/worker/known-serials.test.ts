import { describe, expect, it } from 'vitest'
import { api } from './server.ts'

describe('the list of known serial numbers', () => {
  it('keeps serial numbers as Apple prints them, once each, in pages, until they are removed', async () => {
    const add = (serials: readonly string[]) => api('POST', '/api/known-serials', { serials })
    expect((await add(['zz9 abc', 'ZZ9ABC', '\tzz9-b/+ '])).body).toEqual({ added: 2 })
    expect((await add(['zz9abc'])).body).toEqual({ added: 0 })
    for (const wrong of [[], ['ok', ''], ['ü'], ['x'.repeat(65)], Array<string>(5001).fill('x')]) {
      expect((await add(wrong)).status).toBe(400)
    }
    type Page = { serials: { serial_number: string }[]; next: string | null }
    const found: string[] = []
    for (let cursor: string | null = ''; cursor !== null;) {
      const { body }: { body: Page } = await api<Page>(
        'GET',
        `/api/known-serials?limit=1&cursor=${cursor}`,
      )
      found.push(...body.serials.map((one) => one.serial_number))
      cursor = body.next
    }
    expect(found.filter((serial) => serial.startsWith('ZZ9'))).toEqual(['ZZ9-B/+', 'ZZ9ABC'])
    const remove = () => api('DELETE', `/api/known-serials/${encodeURIComponent('zz9-b/+')}`)
    expect((await remove()).status).toBe(200)
    expect((await remove()).status).toBe(404)
    const rest = { serials: found.map((serial) => serial.toLowerCase()) }
    expect((await api('POST', '/api/known-serials/remove', rest)).body['removed']).toBe(
      found.length - 1,
    )
  })

  it('tells the first of many faults', async () => {
    const { status, body } = await api<{ detail: string; errors: object[] }>(
      'POST',
      '/api/known-serials',
      { serials: Array.from({ length: 5000 }, () => 'ü') },
    )
    expect({ status, errors: body.errors.length }).toEqual({ status: 400, errors: 10 })
    expect(body.detail).toContain('and 4990 more')
  })

  it('takes five thousand serial numbers in one call', async () => {
    const serials = Array.from({ length: 5000 }, (_, n) => `BULK${n}`)
    expect((await api('POST', '/api/known-serials', { serials })).body).toEqual({ added: 5000 })
  })
})
