import { parseArgs } from 'node:util'
import {
  type ChosenFaults,
  DECLARATIVE_FAULTS,
  isDeclarativeFault,
} from '../simulator/device/declarations/faults.ts'
import type { StepAnswer } from '../simulator/device/answers/script.ts'
import { DEFAULT_RELEASE, readRelease } from '../simulator/device/os.ts'
import { CliError, messageOf } from './error.ts'

export type LogStyle = 'text' | 'json'

export interface StartOptions {
  port: number
  host: string
  state: string
  apiKey: string | undefined
  webhook: string | undefined
  deviceCAFiles: string[]
  devices: number
  /** The OS release of new simulated devices. */
  os: string | undefined
  /** Of the simulated devices. */
  faults: ChosenFaults
  push: { certificateFile: string; keyFile: string } | undefined
  apns: string | undefined
  inspect: number | undefined
  /** Bytes for the objects of devices. */
  memory: number | undefined
  /** Undefined: the form depends on the output. */
  log: LogStyle | undefined
  /** Apple’s device assignment service is simulated too. */
  depSimulator: boolean
  reload: boolean
  help: boolean
}

export interface Flag {
  name: string
  /** The name of its value in the help text; a flag without one is a switch. */
  argument?: string
  alias?: string
  short?: string
  help: string
}

/** Of `--os`, for new simulated devices. */
export const OS_HELP =
  'OS of new simulated devices, as iOS counts: 27.0, or 18.1 for macOS 15.1 ' +
  `(${DEFAULT_RELEASE})`

/** Of `--fault`, for simulated devices. */
export const FAULT_HELP =
  `fault of simulated devices with declarations, repeatable: ` +
  `${Object.keys(DECLARATIVE_FAULTS).join(', ')}; NAME=N sets its number`

export const FLAGS: readonly Flag[] = [
  { name: 'port', argument: 'PORT', help: 'port to listen on, 0 for a free one (8787)' },
  { name: 'host', argument: 'HOST', help: 'address to listen on (127.0.0.1)' },
  { name: 'state', argument: 'DIR', help: 'where everything is kept (.edgemdm)' },
  { name: 'api-key', argument: 'KEY', help: 'API key instead of the generated one' },
  {
    name: 'webhook',
    argument: 'URL',
    alias: 'command-webhook-url',
    help: 'where events are posted to',
  },
  {
    name: 'device-ca',
    argument: 'FILE',
    help: 'PEM of CAs whose device identities are accepted too; repeatable',
  },
  { name: 'devices', argument: 'N', help: 'enrol N simulated devices that answer (0)' },
  {
    name: 'dep-simulator',
    help: 'simulate Apple’s device assignment too; --devices then enrol when they get a profile',
  },
  { name: 'os', argument: 'VERSION', help: OS_HELP },
  { name: 'fault', argument: 'NAME', help: FAULT_HELP },
  {
    name: 'push-cert',
    argument: 'FILE',
    help: 'PEM of a real MDM push certificate: pushes go to Apple',
  },
  { name: 'push-key', argument: 'FILE', help: 'PEM of its private key' },
  {
    name: 'apns',
    argument: 'URL',
    help: 'another APNs than Apple’s or the simulated one, for tests',
  },
  {
    name: 'memory',
    argument: 'SIZE',
    help: 'memory for device objects, as 512M or 2G (a quarter of this machine)',
  },
  { name: 'inspect', argument: 'PORT', help: 'V8 inspector of the Worker, for profiles' },
  {
    name: 'log',
    argument: 'STYLE',
    help: 'text for people, json for programs (text on a terminal, else json)',
  },
  { name: 'reload', help: 'restart the Worker when its source changes (npm run dev)' },
  { name: 'help', short: 'h', help: 'show this' },
]

export function readOptions(args: readonly string[]): StartOptions {
  const values = parse(args)
  const last = (name: string) => values.get(name)?.at(-1)
  if (last('push-cert') !== undefined && values.has('devices') && !values.has('apns')) {
    throw new CliError(
      '--devices with --push-cert: Apple would get the tokens of simulated devices',
    )
  }
  for (const name of ['os', 'fault']) {
    if (values.has(name) && !values.has('devices')) {
      throw new CliError(`--${name} is for simulated devices: add --devices N`)
    }
  }
  return {
    port: wholeNumber('port', last('port') ?? '8787', 65_535),
    host: last('host') ?? '127.0.0.1',
    state: last('state') ?? '.edgemdm',
    apiKey: last('api-key'),
    webhook: url('webhook', last('webhook')),
    deviceCAFiles: values.get('device-ca') ?? [],
    devices: wholeNumber('devices', last('devices') ?? '0', 100_000),
    os: optional(last('os'), osRelease),
    faults: readFaults(values.get('fault') ?? []),
    push: pushFiles(last('push-cert'), last('push-key')),
    apns: url('apns', last('apns')),
    inspect: optional(last('inspect'), (text) => wholeNumber('inspect', text, 65_535)),
    memory: optional(last('memory'), memorySize),
    log: optional(last('log'), logStyle),
    depSimulator: values.has('dep-simulator'),
    reload: values.has('reload'),
    help: values.has('help'),
  }
}

export function helpText(): string {
  const lines = FLAGS.map((flag) => {
    const names = [flag.name, flag.alias].filter((name) => name !== undefined)
    const short = flag.short === undefined ? '' : `-${flag.short}, `
    const left = `${short}${names.map((name) => `--${name}`).join(', ')} ${flag.argument ?? ''}`
    return `  ${left.padEnd(40)} ${flag.help}`
  })
  return ['Usage: npm start -- [options]', '', ...lines, ''].join('\n')
}

/** Every value given to each flag, under its own name and not its alias. */
function parse(args: readonly string[]): Map<string, string[]> {
  const options: Options = {}
  const flagOf = new Map<string, Flag>()
  for (const flag of FLAGS) {
    for (const name of [flag.name, flag.alias ?? flag.name]) {
      flagOf.set(name, flag)
      options[name] = {
        type: flag.argument === undefined ? 'boolean' : 'string',
        ...(flag.short && { short: flag.short }),
      }
    }
  }
  const values = new Map<string, string[]>()
  for (const token of tokensOf(args, options)) {
    if (token.kind === 'option') {
      const name = flagOf.get(token.name)?.name ?? token.name
      checkText(token.name, token.value)
      values.set(name, [...(values.get(name) ?? []), token.value ?? ''])
    }
  }
  return values
}

/** Bytes that are not UTF-8 arrive as U+FFFD, and the same text could never be typed again. */
// oxlint-disable-next-line no-control-regex -- control characters are what it looks for
const NO_TEXT = /[\0-\x1f\x7f\ufffd]/
const MAX_LENGTH = 4000

/**
 * Checks the value of a flag, if it has one: a shell passes an empty value for a variable that is not set.
 * @throws CliError
 */
export function checkText(name: string, value: string | boolean | undefined): void {
  if (typeof value !== 'string') {
    return
  }
  if (value.trim() === '') {
    throw new CliError(`--${name}: empty, so leave it out or give it a value`)
  }
  if (NO_TEXT.test(value) || value.length > MAX_LENGTH) {
    throw new CliError(
      `--${name}: a line break or something else that is no text, or more than ${MAX_LENGTH} characters`,
    )
  }
}

type Options = Record<string, { type: 'string' | 'boolean'; short?: string }>

function tokensOf(args: readonly string[], options: Options) {
  try {
    return parseArgs({ args: [...args], options, strict: true, tokens: true }).tokens
  } catch (error) {
    // Node's messages end with advice about positional arguments, which these commands do not have.
    const [sentence] = messageOf(error).split(/\. |\n/)
    const plain = sentence?.replace('is ambiguous', 'is missing, or begins with a dash')
    throw new CliError(`${plain?.replace(/\.$/, '')} (--help lists the options)`)
  }
}

function wholeNumber(name: string, text: string, max: number): number {
  const number = Number(text)
  if (!/^\d+$/.test(text) || number > max) {
    throw new CliError(`--${name} ${text}: not a whole number from 0 to ${max}`)
  }
  return number
}

/** @throws CliError for a release that Apple's systems do not have */
export function osRelease(text: string): string {
  try {
    return readRelease(text)
  } catch (error) {
    throw new CliError(`--os ${text}: ${messageOf(error)}`)
  }
}

/** @throws CliError for faults that simulated devices do not have */
export function readFaults(texts: readonly string[]): ChosenFaults {
  const entries = texts.map((text) => {
    const [name = '', number] = text.split('=')
    if (!isDeclarativeFault(name) || !/^\d{1,9}$/.test(number ?? '0')) {
      const known = Object.keys(DECLARATIVE_FAULTS).join(', ')
      throw new CliError(`--fault ${text}: not one of ${known}, or NAME=N`)
    }
    return [name, Number(number ?? DECLARATIVE_FAULTS[name])] as const
  })
  return Object.fromEntries(entries)
}

const STEP_ANSWERS = ['Error', 'NotNow', 'silence'] as const

/** `InstallProfile=NotNow:2`. @throws CliError for answers that simulated devices do not have */
export function readStepAnswer(text: string): StepAnswer {
  const [, requestType = '', name, times] = /^(\w+)=(\w+)(?::(\d{1,6}))?$/.exec(text) ?? []
  const answer = STEP_ANSWERS.find((known) => known === name)
  if (answer === undefined) {
    throw new CliError(
      `--answer ${text}: not TYPE=${STEP_ANSWERS.join(', TYPE=')}, or TYPE=NotNow:2`,
    )
  }
  return { requestType, answer, ...(times !== undefined && { times: Number(times) }) }
}

function memorySize(text: string): number {
  const [, count, unit = ''] = /^(\d{1,6})([MG])$/.exec(text) ?? []
  if (count === undefined) {
    throw new CliError(`--memory ${text}: not a size such as 512M or 2G`)
  }
  return Number(count) * (unit === 'G' ? 1e9 : 1e6)
}

function logStyle(text: string): LogStyle {
  if (text !== 'text' && text !== 'json') {
    throw new CliError(`--log ${text}: neither text nor json`)
  }
  return text
}

function optional<T>(text: string | undefined, read: (text: string) => T): T | undefined {
  return text === undefined ? undefined : read(text)
}

function url(name: string, text: string | undefined): string | undefined {
  if (text !== undefined && !/^https?:$/.test(URL.parse(text)?.protocol ?? '')) {
    throw new CliError(`--${name} ${text}: not an http or https URL`)
  }
  return text
}

function pushFiles(
  certificateFile: string | undefined,
  keyFile: string | undefined,
): StartOptions['push'] {
  if (certificateFile === undefined && keyFile === undefined) {
    return undefined
  }
  if (certificateFile === undefined || keyFile === undefined) {
    throw new CliError('--push-cert and --push-key are given together or not at all')
  }
  return { certificateFile, keyFile }
}
