import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { activateAtPortal, joinByDep } from '../../simulator/dep/join.ts'
import { answersBySteps, type StepAnswer } from '../../simulator/device/answers/script.ts'
import type { SimulatedChannel } from '../../simulator/device/channel.ts'
import type { ChosenFaults } from '../../simulator/device/declarations/faults.ts'
import { createFleet, type Fleet } from '../../simulator/fleet/fleet.ts'
import { type Issuer, readIssuer } from '../../simulator/device/identity.ts'
import { type Join, joinByCA, joinByProfile } from '../../simulator/device/joining.ts'
import {
  type ReceivedCommand,
  type Session,
  statusReported,
} from '../../simulator/device/session.ts'
import type { PlistDict } from '../../plist/value.ts'
import { refuseForgottenDashes } from '../dashes.ts'
import { CliError, messageOf } from '../error.ts'
import { profileUrl } from './fleet.ts'
import { FAULT_HELP, OS_HELP, osRelease, readFaults, readStepAnswer } from '../options.ts'
import { appliedText } from './applied.ts'
import { type Machine, machinesAt, SETUP_POLL, tellDesktops } from './dep-devices.ts'

const FLAGS = {
  server: {
    type: 'string',
    argument: 'URL',
    help: 'the MDM server, such as http://127.0.0.1:8787',
  },
  'enroll-token': {
    type: 'string',
    argument: 'TOKEN',
    help: 'opens the enrolment profile; or the environment variable ENROLL_TOKEN',
  },
  'device-ca': {
    type: 'string',
    argument: 'FILE',
    help: 'PEM of a CA whose devices it accepts: they enrol without profile and SCEP',
  },
  dep: {
    type: 'string',
    argument: 'URL',
    help: 'the simulated service of Apple, see npm start: its devices with a profile enrol',
  },
  serial: {
    type: 'string',
    multiple: true,
    argument: 'S',
    help: 'with --dep: a device in its portal; repeatable',
  },
  answer: {
    type: 'string',
    multiple: true,
    argument: 'TYPE=A',
    help: 'the answer to a request type: Error, NotNow or silence; NotNow:2 only twice; repeatable',
  },
  'device-ca-key': { type: 'string', argument: 'FILE', help: 'PEM of the private key of that CA' },
  devices: { type: 'string', argument: 'N', default: '1', help: 'how many devices enrol (1)' },
  os: { type: 'string', argument: 'VERSION', help: OS_HELP },
  fault: { type: 'string', multiple: true, argument: 'NAME', help: FAULT_HELP },
  interval: {
    type: 'string',
    argument: 'S',
    default: '10',
    help: 'seconds between polls: no push reaches devices from outside (10)',
  },
  topic: {
    type: 'string',
    argument: 'T',
    default: 'com.apple.mgmt.External.simulated',
    help: 'with --device-ca: push topic that the devices name, as npm start prints it',
  },
  help: { type: 'boolean', short: 'h', argument: '', help: 'show this' },
} as const

const NPM_FLAGS = Object.entries(FLAGS).map(([name, { argument }]) => ({ name, argument }))

interface SimulateOptions {
  readonly server: string
  /** Signs the devices' identities; without it they enrol by profile and SCEP. */
  readonly ca: Issuer | undefined
  readonly enrollToken: string
  readonly devices: number
  readonly os: string | undefined
  readonly faults: ChosenFaults
  readonly interval: number
  readonly topic: string
  /** The simulated service of Apple, and the devices that are chosen in its portal. */
  readonly dep: { readonly url: string; readonly serials: readonly string[] } | undefined
  readonly answers: readonly StepAnswer[]
}

await main(process.argv.slice(2)).catch((error: unknown) => {
  console.error(`simulate: ${messageOf(error)}`)
  process.exit(1)
})

async function main(args: readonly string[]): Promise<void> {
  refuseForgottenDashes('npm run simulate', NPM_FLAGS, args, process.env)
  const values = parse(args)
  if (values.help === true) {
    console.log(helpText())
    return
  }
  process.once('SIGINT', () => process.exit(0))
  process.once('SIGTERM', () => process.exit(0))
  const options = checked(values)
  const machines = options.dep && (await chosenMachines(options.dep, options.devices))
  const tell = tellDesktops((text) => console.log(`${new Date().toISOString()} ${text}`))
  let devices: Fleet['devices'] = []
  const fleet = await createFleet({
    count: machines?.length ?? options.devices,
    ...(machines && { machines, retryAfter: SETUP_POLL }),
    answer: answersBySteps(options.answers),
    ...(options.os === undefined ? {} : { release: options.os }),
    fetch,
    server: options.server,
    scep: { fetch, server: options.server },
    join: joinOf(options),
    faults: options.faults,
    observe: printCommand,
    applied: (states, channel) => print(channel, appliedText(states)),
    sessionEnded(channel, session) {
      printTrouble(channel, session)
      tell(devices)
    },
  })
  for (const device of fleet.devices) {
    console.log(`${device.udid}  ${device.platform} ${device.osVersion}  ${device.serial}`)
  }
  console.log(`${fleet.devices.length} devices enrolled, polling every ${options.interval} s`)
  if (machines) {
    devices = fleet.devices
    tell(devices)
  }
  await pollForEver(fleet, options.interval)
}

async function chosenMachines(
  { url, serials }: NonNullable<SimulateOptions['dep']>,
  count: number,
): Promise<readonly Machine[]> {
  const machines = await machinesAt(url, { serials, count })
  if (machines.length === 0) {
    throw new CliError(`no such device with a profile in ${url}/portal/devices: assign one first`)
  }
  return machines
}

function joinOf({ server, ca, topic, enrollToken, dep }: SimulateOptions): Join {
  if (dep) {
    return joinByDep({ fetch, server, activate: activateAtPortal(fetch, dep.url) })
  }
  return ca
    ? joinByCA(ca, {
        serverUrl: `${server}/mdm/connect`,
        checkInUrl: `${server}/mdm/checkin`,
        topic,
      })
    : joinByProfile({ fetch, server, profileUrl: profileUrl(server, enrollToken) })
}

async function pollForEver(fleet: Fleet, interval: number): Promise<never> {
  for (;;) {
    if (fleet.devices.every((device) => device.state() === 'unmanaged')) {
      throw new CliError('the server has removed every device')
    }
    await new Promise((resolve) => setTimeout(resolve, interval * 1000))
    await fleet.poll()
  }
}

function printCommand(
  command: ReceivedCommand,
  report: PlistDict | 'silence',
  channel: SimulatedChannel,
): void {
  const answer = report === 'silence' ? 'no answer' : statusReported(report)
  print(channel, `${command.requestType} ${command.uuid} → ${answer}`)
}

function printTrouble(channel: SimulatedChannel, session: Session): void {
  if (session.ended !== 'empty') {
    print(channel, ['session', session.ended, session.reason ?? ''].join(' ').trim())
  }
}

function print(channel: SimulatedChannel, text: string): void {
  console.log(`${new Date().toISOString()} ${channel.enrollmentId} ${text}`)
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: FLAGS, strict: true }).values
  } catch (error) {
    // Node's messages end with advice about positional arguments, which this command does not have.
    const [sentence = ''] = messageOf(error).split(/\. |\n/)
    throw new CliError(`${sentence.replace(/\.$/, '')} (--help lists the options)`)
  }
}

function checked(values: ReturnType<typeof parse>): SimulateOptions {
  return {
    server: httpUrl('server', required('server', values.server)),
    ca: caOf(values['device-ca'], values['device-ca-key']),
    enrollToken: values['enroll-token'] ?? process.env['ENROLL_TOKEN'] ?? '',
    devices: Math.ceil(positive('devices', values.devices)),
    os: values.os === undefined ? undefined : osRelease(values.os),
    faults: readFaults(values.fault ?? []),
    interval: positive('interval', values.interval),
    topic: values.topic,
    dep: values.dep === undefined ? undefined : depOf(values.dep, values.serial ?? []),
    answers: (values.answer ?? []).map(readStepAnswer),
  }
}

function depOf(url: string, serials: readonly string[]) {
  return { url: httpUrl('dep', url), serials }
}

function httpUrl(name: string, text: string): string {
  const url = text.replace(/\/+$/, '')
  if (!/^https?:$/.test(URL.parse(url)?.protocol ?? '')) {
    throw new CliError(`--${name} ${url}: not an http or https URL`)
  }
  return url
}

function caOf(certificateFile: string | undefined, keyFile: string | undefined) {
  return certificateFile === undefined && keyFile === undefined
    ? undefined
    : readCa(required('device-ca', certificateFile), required('device-ca-key', keyFile))
}

function readCa(certificateFile: string, keyFile: string): Issuer {
  const certificate = read(certificateFile)
  const privateKey = read(keyFile)
  try {
    return readIssuer({ certificate, privateKey })
  } catch (error) {
    throw new CliError(`${certificateFile}, ${keyFile}: ${messageOf(error)}`)
  }
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new CliError(`cannot read ${file}: ${messageOf(error)}`)
  }
}

function required(name: string, text: string | undefined): string {
  if (text === undefined) {
    throw new CliError(`--${name} is missing (--help lists the options)`)
  }
  return text
}

function positive(name: string, text: string): number {
  const number = Number(text)
  if (!/^\d+(\.\d+)?$/.test(text) || number <= 0) {
    throw new CliError(`--${name} ${text}: not a number above 0`)
  }
  return number
}

function helpText(): string {
  const lines = Object.entries(FLAGS).map(
    ([name, { argument, help }]) =>
      `  ${`${name === 'help' ? '-h, ' : ''}--${name} ${argument}`.padEnd(24)} ${help}`,
  )
  return ['Usage: npm run simulate -- [options]', '', ...lines, ''].join('\n')
}
