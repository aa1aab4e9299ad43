import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, test } from 'vitest'
import { createOutput } from '../../../../../src/cli/start/terminal/output.ts'
import { type LogStyle } from '../../../../../src/cli/options.ts'
import { SENTENCES } from '../../../../../src/cli/start/terminal/sentences.ts'
import { createNames, durationOf, lineOf } from '../../../../../src/cli/start/terminal/words.ts'

const SRC = join(import.meta.dirname, '../../../../../src')
const NOON = new Date(2026, 10, 28, 14, 2, 11)

/** What was printed to each stream. */
function printed(
  asked: LogStyle | undefined,
  { terminal = false, colors = false } = {},
): { output: ReturnType<typeof createOutput>; stdout: () => string; stderr: () => string } {
  let out = ''
  let err = ''
  const stdout = {
    isTTY: terminal,
    hasColors: () => colors,
    write: (text: string) => (out += text),
  }
  const stderr = { isTTY: false, write: (text: string) => (err += text) }
  const output = createOutput(asked, { stdout, stderr, now: () => NOON })
  return { output, stdout: () => out, stderr: () => err }
}

const log = (detail: object) => ({ level: 'log', message: JSON.stringify(detail) })
const answer = {
  event: 'command:answered',
  device: 'A-1',
  request_type: 'DeviceInformation',
  state: 'acknowledged',
  ms: 96,
  model: 'MacBook Pro',
}

describe('on a terminal', () => {
  it('a command that a device answers is one line, with the time, and colour', () => {
    const plain = printed(undefined, { terminal: true })
    plain.output.event(log(answer))
    expect(plain.stdout()).toBe(
      '14:02:11 DeviceInformation → MacBook Pro · Acknowledged in 0.1 s\n',
    )
    const colored = printed(undefined, { terminal: true, colors: true })
    colored.output.event(log(answer))
    expect(colored.stdout()).toContain('\u001b[32mDeviceInformation →')
  })

  it('progress is overwritten, and removed before the next line', () => {
    const { output, stdout } = printed(undefined, { terminal: true })
    output.progress('enrolling …', '1 of 2')
    output.progress('enrolling …', '2 of 2')
    output.say('enrolled')
    expect(stdout()).toBe(
      '\r\u001b[Kenrolling … 1 of 2\r\u001b[Kenrolling … 2 of 2\r\u001b[Kenrolled\n',
    )
  })

  it('a sender’s text neither ends the line nor controls the terminal', () => {
    const { output, stdout } = printed('text')
    output.event(
      log({ event: 'device:refused', path: '/x\n14:00:00 all is well', reason: '\u001b[2J\u202e' }),
    )
    output.event({ level: 'error', message: 'workerd: \u001b[2Jbroken\n  at once' })
    expect(stdout()).not.toContain('\u001b')
    expect(stdout()).not.toContain('\u202e')
    expect(stdout().split('\n')).toHaveLength(4)
  })
})

describe('into a pipe', () => {
  it('stdout has one JSON object per line, with the time; text for people goes to stderr', () => {
    const { output, stdout, stderr } = printed(undefined)
    output.progress('starting workerd …')
    output.event(log({ event: 'push:circuit-closed' }))
    output.event({ level: 'warn', message: '{"event":"push:failed","device":"A-1"}' })
    output.event({ level: 'error', message: 'workerd is in trouble' })
    output.say('the panel')
    output.ready('http://127.0.0.1:1')
    const time = NOON.toISOString()
    expect(
      stdout()
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toEqual([
      { time, level: 'info', event: 'push:circuit-closed' },
      { time, level: 'warn', event: 'push:failed', device: 'A-1' },
      { time, level: 'warn', event: 'workerd:output', message: 'workerd is in trouble' },
      {
        time,
        level: 'info',
        event: 'start:ready',
        message: 'EdgeMDM ready on http://127.0.0.1:1 now',
        url: 'http://127.0.0.1:1',
      },
    ])
    expect(stderr()).toBe('starting workerd …\nthe panel\n')
  })

  it('a sender’s text stays in its line, and controls no terminal', () => {
    const { output, stdout } = printed('json')
    const error = 'x\u009b2J\u2028\u0085y'
    output.event(log({ ...answer, error }))
    output.event({ level: 'error', message: error })
    expect(stdout()).toMatch(/^[\n -~→]+$/)
    expect(
      stdout()
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toMatchObject([{ error }, { message: error }])
  })

  it('--log text has sentences there too, and no colour', () => {
    const { output, stdout } = printed('text', { colors: true })
    output.progress('enrolling …', '1 of 2')
    output.progress('enrolling …', '2 of 2')
    output.event(log(answer))
    expect(stdout()).toBe(
      'enrolling …\n14:02:11 DeviceInformation → MacBook Pro · Acknowledged in 0.1 s\n',
    )
  })
})

test.each([
  [
    {
      ...answer,
      state: 'error',
      error: 'MCMDMErrorDomain 12021',
      ms: 2500,
    },
    'DeviceInformation → MacBook Pro · Error in 2.5 s: MCMDMErrorDomain 12021',
  ],
  [{ ...answer, state: 'not_now', ms: 0 }, 'DeviceInformation → MacBook Pro · NotNow at once'],
  [
    { event: 'command:waits', device: 'B-2', request_type: 'EraseDevice', held: 'arrival' },
    'EraseDevice waits for device B-2 until an admin releases it',
  ],
  [{ event: 'device:enrolled', device: 'C-3', model: 'iPhone14,5' }, 'iPhone enrolled'],
  [
    { event: 'device:enrolled', device: 'C-3', model: 'Mac15,6', user: true },
    'a user of Mac enrolled',
  ],
  [
    { event: 'webhook:down', webhook: 'main', device: 'A-1', reason: 'HTTP 503', failures: 0 },
    'webhook main did not take an event of device A-1: HTTP 503',
  ],
  [{ event: 'webhook:recovered', webhook: 'webhook' }, 'the webhook takes events again'],
  [{ event: 'auth:wrong-key' }, 'a request came with a wrong API key'],
  [
    { event: 'ca:installed', not_after: '2036-11-28T18:47:10.000Z' },
    'a CA is installed, good until 2036-11-28 18:47: it issues identities from now on',
  ],
  [
    { event: 'thing:unheard-of', device: 'A-1', request_id: 'r', many: 3 },
    'thing:unheard-of · device A-1 · request_id r · many 3',
  ],
])('%j becomes a sentence', (detail, sentence) => {
  expect(lineOf(detail, createNames()).text).toBe(sentence)
})

test('devices of one model get different names', () => {
  const names = createNames()
  names.nameDevice('00008110-AAAA1111', 'iPhone')
  names.nameDevice('00008110-BBBB2222', 'iPhone')
  expect(names.of({ device: '00008110-BBBB2222' })).toBe('iPhone …2222')
})

test.each([
  [96, '0.1 s'],
  [45_000, '45 s'],
  [600_000, '10 min'],
  [3 * 86_400_000, '3 d'],
])('%i milliseconds are %s', (ms, text) => {
  expect(durationOf(ms)).toBe(text)
})

/** Told by code of their own, and not by the table. */
const OTHERWISE = ['command:answered', 'command:waits']

test('each event of the Worker’s log has a sentence, and no sentence is left without an event', () => {
  const events = new Set(readdirSync(SRC, { recursive: true }).flatMap(eventsIn))
  expect(events.size).toBeGreaterThan(70)
  const told = [...Object.keys(SENTENCES), ...OTHERWISE]
  expect([...events].sort()).toEqual(told.sort())
})

/**
 * Where an event is named: in a call that logs, as a note of a device's decision, or for one of the two to
 * be made.
 */
const NAMED =
  /(?:\b(?:log|warn|debug|attempt|logHappening)\(\s*(?:context,\s*)?|event: |\? |: )'((?!about:)[a-z]+:[a-z-]+)'/g

function eventsIn(file: string | Buffer): string[] {
  const path = String(file)
  const isOfWorker = path.endsWith('.ts') && !/^(cli|simulator)\//.test(path)
  return isOfWorker
    ? [...readFileSync(join(SRC, path), 'utf8').matchAll(NAMED)].map(([, event = '']) => event)
    : []
}
