import { parseArgs } from 'node:util'
import { refuseForgottenDashes } from '../../src/cli/dashes.ts'
import { CliError, messageOf } from '../../src/cli/error.ts'

const KINDS = 'enrolment,check-in,idle,cycle,inventory,webhook,backlog,cold,queue,fleet'

const HELP = `Usage: npm run bench -- [options]

  --only LIST      what to measure: all of ${KINDS} without it; or bulk
  --runs N         how often each is measured: the median counts (3)
  --seconds S      how long each run takes (5)
  --sizes LIST     sizes of the fleet at which latency is measured; the last one takes its time (100,10000)
  --count N        how many enrolments \`--only bulk\` makes (3000)
  --tmpfs          state in memory and not on disk
  --profile        writes CPU profiles of the Worker, and prints what costs most
  -h, --help       show this
`

const NPM_FLAGS = [
  { name: 'only', argument: 'LIST' },
  { name: 'runs', argument: 'N' },
  { name: 'seconds', argument: 'S' },
  { name: 'sizes', argument: 'LIST' },
  { name: 'count', argument: 'N' },
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
    const strange = only.find((name) => name !== 'bulk' && !KINDS.split(',').includes(name))
    if (strange !== undefined) {
      throw new CliError(`--only ${strange}: none of ${KINDS}, or bulk`)
    }
    return {
      tmpfs: values.tmpfs,
      profile: values.profile,
      only: new Set(only),
      runs: positive('runs', values.runs),
      seconds: positive('seconds', values.seconds),
      count: positive('count', values.count),
      sizes: values.sizes.split(',').map((size) => positive('sizes', size)),
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
      seconds: { type: 'string', default: '5' },
      sizes: { type: 'string', default: '100,10000' },
      count: { type: 'string', default: '3000' },
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
