import { PassThrough } from 'node:stream'
import { expect, it } from 'vitest'
import {
  createScreen,
  interruptionText,
  type DeployEvent,
  eventText,
} from '../../../../src/cli/deploy/screen.ts'

const PLAN: DeployEvent & { type: 'plan' } = {
  type: 'plan',
  deployment: 'acme',
  account: 'Acme\u001b[31m',
  items: [
    { what: 'code', change: 'changed', detail: '2 commits newer' },
    { what: 'migrations', change: 'new', detail: '1' },
    { what: 'routes', change: 'unchanged', detail: '' },
    { what: 'queue', change: 'unchanged', detail: 'acme-events' },
  ],
  remarks: ['A remark.'],
  steps: ['migrate', 'deploy'],
}
const END = { type: 'end', step: 'deploy', title: 'deploy the Worker', seconds: 12 } as const

function screenOf(json: boolean, terminal: boolean) {
  const stdout = Object.assign(new PassThrough(), { isTTY: terminal })
  const stdin = Object.assign(new PassThrough(), { isTTY: terminal })
  const screen = createScreen({ json, asks: true, stdin, stdout, color: false })
  return { screen, stdin, printed: () => String(stdout.read() ?? '') }
}

it('a plan shows what differs, one line each, and no control characters of others', () => {
  expect(eventText(PLAN, false).split('\n')).toEqual([
    'Deployment acme, account Acme\ufffd[31m:',
    '  code        changed  2 commits newer',
    '  migrations  new      1',
    '  unchanged: routes, queue',
    '  A remark.',
    '',
  ])
})

it('a failure shows the step, the fault and the remedy, in colour only where it is wanted', () => {
  const failed = { type: 'failed', step: 'deploy', fault: 'no', remedy: 'do', exit: 1 } as const
  expect(eventText(failed, false)).toBe('✗ deploy: no\n  do\n')
  expect(eventText(failed, true)).toContain('\u001b[31m✗')
  expect(eventText(END, false)).toBe('✓ deploy the Worker (12 s)\n')
})

it('a finding shows its sign and what to do', () => {
  const facts = { number: 4, id: 'device-routes', title: '', seen: 'a 403', fix: 'Remove it' }
  const text = (level: 'fail' | 'warn') => eventText({ type: 'finding', level, ...facts }, false)
  expect(text('fail')).toBe('✗ 4 a 403\n  Remove it\n')
  expect(text('warn')).toBe('! 4 a 403\n  Remove it\n')
  expect(eventText({ type: 'look', at: 'the tree' }, false)).toBe('Looking at the tree …\n')
})

it('a running step is shown on a terminal only, and its line is replaced', () => {
  const begin = { type: 'begin', step: 'deploy', title: 'deploy the Worker' } as const
  const [pipe, terminal] = [screenOf(false, false), screenOf(false, true)]
  for (const { screen } of [pipe, terminal]) {
    screen.tell(begin)
    screen.tell(END)
  }
  expect(pipe.printed()).toBe('✓ deploy the Worker (12 s)\n')
  expect(terminal.printed()).toBe(
    '\r\u001b[K… deploy the Worker\r\u001b[K✓ deploy the Worker (12 s)\n',
  )
})

it('with --json each event is a line, and what is for people alone is left out', () => {
  const { screen, printed } = screenOf(true, true)
  screen.tell(END)
  screen.show('https://mdm.example.com/?token=secret')
  expect(printed()).toBe(`${JSON.stringify(END)}\n`)
  expect([screen.ask, screen.isWatched]).toEqual([undefined, false])
})

it('a question waits for its line, and there is none without a terminal', async () => {
  const { screen, stdin, printed } = screenOf(false, true)
  const answer = screen.ask?.('Continue? ')
  stdin.write(' yes \n')
  expect(await answer).toBe('yes')
  expect(printed()).toContain('Continue? ')
  expect(screenOf(false, false).screen.ask).toBeUndefined()
})

it('Ctrl-C after the last step does not say that something is left to do', () => {
  expect(interruptionText(false)).toContain('run the same command again')
  expect(interruptionText(true)).toMatch(/^The server is deployed/)
})
