import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, it, vi } from 'vitest'
import { SENTENCES } from '../../src/cli/terminal/sentences.ts'
import { log, warn } from '../../src/log.ts'

afterEach(() => {
  vi.restoreAllMocks()
})

it.each([
  ['log', log],
  ['warn', warn],
] as const)('%s prints its name first, whatever its details are called', (method, write) => {
  const print = vi.spyOn(console, method).mockImplementation(() => {})
  write('webhook:given-up', { event: 'an id', tries: 3 })
  expect(print.mock.calls).toEqual([['{"event":"webhook:given-up","tries":3}']])
})

it('keeps a sender’s words in one line, and from speaking to a terminal', () => {
  const print = vi.spyOn(console, 'log').mockImplementation(() => {})
  const product = 'Mac\n{"event":"enroll:ade"}\r\u2028\u0085\u001b[2J\u009b2J\u007f"'
  log('enroll:ade', { product })
  const text = String(print.mock.calls[0]?.[0])
  expect(text).toMatch(/^[ -~]+$/)
  expect(JSON.parse(text)).toEqual({ event: 'enroll:ade', product })
})

it('cuts what a sender made long', () => {
  const print = vi.spyOn(console, 'warn').mockImplementation(() => {})
  warn('ddm:refused', { endpoint: 'x'.repeat(5_000_000) })
  expect(String(print.mock.calls[0]?.[0]).length).toBeLessThan(1100)
})

const CALL = /\b(happened(?:\.push)?|log|warn|attempt|print)\(([^)]*)|(event: '[a-z]+:[a-z-]+')/g

/** The events that a file names, each with its level. */
function eventsIn(text: string): string[] {
  return [...text.matchAll(CALL)].flatMap(([, call = '', args = '', note = '']) => {
    const isInfo = /^(happened|log)/.test(call) || (call === 'print' && args.startsWith("'info'"))
    const names = `${args}${note}`.matchAll(/'((?!about:)[a-z]+:[a-z-]+)'/g)
    return [...names].map(([, name]) => `${name} ${isInfo ? 'info' : 'warn'}`)
  })
}

it('docs/log.md has each event with its level, and no other', () => {
  const project = join(import.meta.dirname, '../..')
  const written = globSync(join(project, 'src/**/*.ts')).flatMap((path) =>
    eventsIn(readFileSync(path, 'utf8')),
  )
  const text = readFileSync(join(project, 'docs/log.md'), 'utf8')
  const rows = [...text.matchAll(/^\| `(\S+)` \| (\w+) \| \S.* \| \S.* \| \S.* \|$/gm)]
  const listed = rows.map(([, event, level]) => `${event} ${level}`)
  expect(listed).toEqual([...new Set(written)].toSorted())
})

it('no event’s name is made of parts, which the test above would not find', () => {
  const calls = globSync(join(import.meta.dirname, '../../src/**/*.ts'))
    .filter((path) => !path.includes('/cli/'))
    .flatMap((path) => readFileSync(path, 'utf8').match(/(?<![.\w])(?:log|warn)\([^)]/g) ?? [])
  expect(calls.filter((call) => call.endsWith('`'))).toEqual([])
})

it('a sentence for people has no detail that its event does not have', () => {
  const text = readFileSync(join(import.meta.dirname, '../../docs/log.md'), 'utf8')
  const fields = new Map(
    [...text.matchAll(/^\| `(\S+)` \|.*\| (.*) \|$/gm)].map(([, event, listed = '']) => [
      event,
      [...listed.matchAll(/`(\w+)`/g)].map(([, field]) => field),
    ]),
  )
  const unknown = Object.entries(SENTENCES).flatMap(([event, sentence]) =>
    [...sentence.matchAll(/\{(\w+)\}/g)]
      .filter(([, field]) => !fields.get(event)?.includes(field))
      .map(([detail]) => `${event}: ${detail}`),
  )
  expect(unknown).toEqual([])
})
