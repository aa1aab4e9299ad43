import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, it, vi } from 'vitest'
import { SENTENCES } from '../../src/cli/start/terminal/sentences.ts'
import { debug, log, setLogLevel, warn } from '../../src/log.ts'

afterEach(() => {
  setLogLevel('info')
  vi.restoreAllMocks()
})

it.each([
  ['log', 'info', log],
  ['warn', 'warn', warn],
  ['log', 'debug', debug],
] as const)('%s prints its name first, and its level: %s', (method, level, write) => {
  const print = vi.spyOn(console, method).mockImplementation(() => {})
  setLogLevel('debug')
  write('webhook:given-up', { event: 'an id', level: 'a level', tries: 3 })
  const line = `{"event":"webhook:given-up","level":"${level}","tries":3}`
  expect(print.mock.calls).toEqual([[line]])
})

it.each([
  ['warn', ['warn']],
  ['info', ['info', 'warn']],
  ['debug', ['debug', 'info', 'warn']],
] as const)('at the level %s it writes %j', (level, expected) => {
  const lines: string[] = []
  const keep = (line: string): void => {
    lines.push(JSON.parse(line).level)
  }
  vi.spyOn(console, 'log').mockImplementation(keep)
  vi.spyOn(console, 'warn').mockImplementation(keep)
  setLogLevel(level)
  debug('device:message')
  log('device:enrolled')
  warn('device:refused')
  expect(lines).toEqual(expected)
})

it('keeps a sender’s text in one line, and free of terminal controls', () => {
  const print = vi.spyOn(console, 'log').mockImplementation(() => {})
  const product = 'Mac\n{"event":"enroll:ade"}\r\u2028\u0085\u001b[2J\u009b2J\u007f"'
  log('enroll:ade', { product })
  const text = String(print.mock.calls[0]?.[0])
  expect(text).toMatch(/^[ -~]+$/)
  expect(JSON.parse(text)).toEqual({ event: 'enroll:ade', product, level: 'info' })
})

it('cuts a sender’s long text', () => {
  const print = vi.spyOn(console, 'warn').mockImplementation(() => {})
  warn('ddm:refused', { endpoint: 'x'.repeat(5_000_000) })
  expect(String(print.mock.calls[0]?.[0]).length).toBeLessThan(1100)
})

const CALL =
  /\b(logHappening|happened\.push|log|warn|debug|attempt|print)\(([^)]*)|((?:event|happening): '[a-z]+:[a-z-]+')/g

/** The events that a file names, each with its level. */
function eventsIn(text: string): string[] {
  return [...text.matchAll(CALL)].flatMap(([, call = '', args = '', note = '']) => {
    const isInfo =
      /^(happened|log)/.test(call) ||
      note.startsWith('happening') ||
      (call === 'print' && args.startsWith("'info'"))
    const names = `${args}${note}`.matchAll(/'((?!about:)[a-z]+:[a-z-]+)'/g)
    const level = call === 'debug' ? 'debug' : isInfo ? 'info' : 'warn'
    return [...names].map(([, name]) => `${name} ${level}`)
  })
}

const PROJECT = join(import.meta.dirname, '../..')
const SOURCES = globSync(join(PROJECT, 'src/**/*.ts')).map((path) => readFileSync(path, 'utf8'))
const TABLE = readFileSync(join(PROJECT, 'docs/log.md'), 'utf8')
const ROWS = [...TABLE.matchAll(/^\| `(\S+)` \| (\w+) \| \S.* \| \S.* \| (\S.*) \|$/gm)]

it('docs/log.md has each event with its level, and no other', () => {
  const listed = ROWS.map(([, event, level]) => `${event} ${level}`)
  expect(listed).toEqual([...new Set(SOURCES.flatMap(eventsIn))].toSorted())
})

/**
 * The fields of each event that a file names with its event; what is spread into a line is not among them.
 */
function fieldsIn(text: string): string[] {
  return [...text.matchAll(/'((?!about:)[a-z]+:[a-z-]+)',(?: \{)?(\s[^]{0,500})/g)].flatMap(
    ([, event = '', rest = '']) => {
      let [before, detail] = ['', rest.replace(/'[^'\n]*'|`[^`]*`/g, '')]
      while (before !== detail) {
        before = detail
        detail = detail.replace(/\([^(){}]*\)|\{[^(){}]*\}/g, '')
      }
      const names = (/^[^)}]*(?=\})/.exec(detail)?.[0] ?? '').split(',')
      return names
        .flatMap((name) => /^\s*(\w+)\s*(?::|$)/.exec(name)?.slice(1, 2) ?? [])
        .map((name) => `${event} ${name}`)
    },
  )
}

it('docs/log.md has the fields that the code and the sentences name, each in snake_case', () => {
  const fields = ROWS.flatMap(([, event, , list = '']) =>
    [...list.matchAll(/`([^`]+)`/g)].map(([, field]) => `${event} ${field}`),
  )
  const written = SOURCES.flatMap(fieldsIn)
  expect(written.length).toBeGreaterThan(120)
  const shown = Object.entries(SENTENCES).flatMap(([event, sentence]) =>
    [...sentence.matchAll(/\{(\w+)\}/g)].map(([, field]) => `${event} ${field}`),
  )
  expect([...written, ...shown].filter((field) => !fields.includes(field))).toEqual([])
  expect(fields.filter((field) => !/^\S+ [a-z]+(_[a-z]+)*$/.test(field))).toEqual([])
})

it('no event’s name is made of parts, which the test above would not find', () => {
  const calls = globSync(join(import.meta.dirname, '../../src/**/*.ts'))
    .filter((path) => !path.includes('/cli/'))
    .flatMap(
      (path) => readFileSync(path, 'utf8').match(/(?<![.\w])(?:log|warn|debug)\([^)]/g) ?? [],
    )
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
