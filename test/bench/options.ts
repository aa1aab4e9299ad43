import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { refuseForgottenDashes } from '../../src/cli/dashes.ts'
import { CliError, messageOf } from '../../src/cli/error.ts'
import { PROJECT } from '../e2e/server.ts'

const KINDS = 'enrolment,check-in,idle,cycle,inventory,empty,webhook,backlog,queue,manifest'
/** These take long, and are measured only when they are named. */
const LONG = [
  'fleet',
  'rush',
  'bulk',
  'move',
  'waves',
  'tokens',
  'declarations',
  'setups',
  'console',
]

const HELP = `Usage: npm run bench -- [options]

  --only LIST      what to measure: all of ${KINDS} without it;
                   or one of ${LONG.join(', ')}, which take long
  --fleet LIST     devices with certificates of their own: cold, then warm (64,2000,10000)
  --runs N         how often each is measured: the median counts (3)
  --seconds S      how long each run of warm devices takes (5); cold ones are visited once each
  --quiet S        how long the server is watched after a load (60)
  --sizes LIST     enrolments before \`--only fleet\` measures cold devices (100,10000)
  --minutes N      in which each device of \`--only rush\` calls once, before all call in one (10);
                   the fleet is the largest of --fleet
  --memory SIZE    what the device objects of \`--only rush\` may take, as \`npm start -- --memory\` (1G)
  --count N        how many enrolments \`--only bulk\` and \`--only declarations\` make, or \`--only move\`
                   moves (3000); \`--only setups\` sets up so many
  --seed N         decides the faults of the devices of \`--only setups\` (1)
  --kill           kills the server of \`--only declarations\` twice
  --tree DIR       measures the server of another working tree, its packages installed
  --tmpfs          state in memory and not on disk
  --profile        writes CPU profiles of the Worker, and prints what costs most
  -h, --help       show this
`

const NPM_FLAGS = [
  { name: 'only', argument: 'LIST' },
  { name: 'fleet', argument: 'LIST' },
  { name: 'runs', argument: 'N' },
  { name: 'seconds', argument: 'S' },
  { name: 'quiet', argument: 'S' },
  { name: 'sizes', argument: 'LIST' },
  { name: 'minutes', argument: 'N' },
  { name: 'memory', argument: 'SIZE' },
  { name: 'count', argument: 'N' },
  { name: 'seed', argument: 'N' },
  { name: 'kill' },
  { name: 'tree', argument: 'DIR' },
  { name: 'tmpfs' },
  { name: 'profile' },
]

/** What to measure, and how. Help and complaints end the process. */
export function readOptions(args: readonly string[]) {
  try {
    refuseForgottenDashes('npm run bench', NPM_FLAGS, args, process.env)
    const values = parse(args)
    if (values.help) {
      console.log(HELP)
      process.exit(0)
    }
    const only = values.only.split(',')
    const known = [...KINDS.split(','), ...LONG]
    const strange = only.find((name) => !known.includes(name))
    if (strange !== undefined) {
      throw new CliError(`--only ${strange}: none of ${known.join(', ')}`)
    }
    return {
      tmpfs: values.tmpfs,
      profile: values.profile,
      only: new Set(only),
      runs: positive('runs', values.runs),
      seconds: positive('seconds', values.seconds),
      quiet: positive('quiet', values.quiet),
      sizes: values.sizes.split(',').map((size) => positive('sizes', size)),
      minutes: positive('minutes', values.minutes),
      memory: values.memory,
      count: positive('count', values.count),
      seed: positive('seed', values.seed),
      kill: values.kill,
      fleets: values.fleet.split(',').map((size) => positive('fleet', size)),
      tree: resolve(values.tree),
    }
  } catch (error) {
    console.error(`bench: ${messageOf(error)} (--help lists the options)`)
    return process.exit(1)
  }
}

function parse(args: readonly string[]) {
  return parseArgs({
    args: [...args],
    options: {
      only: { type: 'string', default: KINDS },
      runs: { type: 'string', default: '3' },
      fleet: { type: 'string', default: '64,2000,10000' },
      seconds: { type: 'string', default: '5' },
      quiet: { type: 'string', default: '60' },
      tree: { type: 'string', default: PROJECT },
      sizes: { type: 'string', default: '100,10000' },
      minutes: { type: 'string', default: '10' },
      memory: { type: 'string', default: '1G' },
      count: { type: 'string', default: '3000' },
      seed: { type: 'string', default: '1' },
      kill: { type: 'boolean', default: false },
      tmpfs: { type: 'boolean', default: false },
      profile: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  }).values
}

function positive(name: string, text: string): number {
  const number = Number(text)
  if (!(number > 0)) {
    throw new CliError(`--${name} ${text}: not a number above 0`)
  }
  return number
}
