import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { beforeAll, expect, it } from 'vitest'
import { buildClaimPage } from '../../../../src/cli/build/claim-page.ts'
import { claimPageHeaders } from '../../../../src/http/setup/page.ts'

let page: string
beforeAll(async () => {
  page = await buildClaimPage(join(import.meta.dirname, '../../../..'))
})

/** The contents of the elements of this name. */
const contents = (name: string): string[] =>
  [...page.matchAll(new RegExp(`<${name}\\b[^>]*>([^]*?)</${name}>`, 'g'))].map(
    ([, content = '']) => content,
  )

it('the policy allows the page’s own script and style, and calls of its own server, alone', () => {
  const digest = (text = ''): string =>
    `'sha256-${createHash('sha256').update(text).digest('base64')}'`
  const [script, ...scripts] = contents('script')
  const [style, ...styles] = contents('style')
  expect([scripts, styles]).toEqual([[], []])
  expect(script?.length).toBeGreaterThan(1000)
  expect(claimPageHeaders(page)['content-security-policy']?.split('; ')).toEqual([
    "default-src 'none'",
    `script-src ${digest(script)}`,
    `style-src ${digest(style)}`,
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ])
})

it('no cache keeps the page, and no other site learns of it', () => {
  expect(claimPageHeaders(page)).toMatchObject({
    'cache-control': 'no-store',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
  })
})

it('the page has no handler or style in an attribute, and loads nothing', () => {
  const tags = [...page.replace(/<(script|style)>[^]*?<\/\1>/g, '').matchAll(/<[a-z][^>]*>/g)]
  expect(tags.length).toBeGreaterThan(20)
  expect(tags.filter(([tag]) => /\s(on\w+|style|src|action|srcdoc)=/.test(tag))).toEqual([])
  expect(contents('script').join('')).not.toMatch(/innerHTML|localStorage|sessionStorage|eval\(/)
})

it('the page is not empty before its script has an answer, or without a script', () => {
  expect(page).toContain('<p id="working" role="status">One moment…</p>')
  expect(contents('noscript')).toEqual([expect.stringContaining('This page needs JavaScript.')])
})

it('the page is small, and each element that its script asks for is in it', () => {
  expect(page.length).toBeLessThan(16_000)
  const ids = new Set([...page.matchAll(/ id="([\w-]+)"/g)].map(([, id]) => id))
  for (const id of ['code', 'kept', 'finish', 'recovery', 'fault', 'working', 'enrol-link']) {
    expect(ids).toContain(id)
  }
})
