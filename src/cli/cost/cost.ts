/** `npm run cost`: the monthly cost of a fleet, from the counters that the tests measure. */
import { parseArgs } from 'node:util'
import { messageOf } from '../error.ts'
import type { PricedFleet } from './model.ts'
import { billOf, fleetTable, freeTable } from './show.ts'

const HELP = `Usage: npm run cost -- [options]

  --devices N            devices (10000)
  --connects-per-day N   connects of a device a day that find nothing to do (6)
  --commands-per-day N   commands to a device a day (1)
  --no-webhook           without a webhook
  --enrolments N         share of the devices that enrols in a month (0.03)
  --package-gb N         gigabytes of packages in R2 (0)
  --invocation-logs      with a record of each call in Cloudflare's log, which wrangler.toml turns off
  --table                1,000 to 1,000,000 devices, as docs/cost.md has it
  --free                 what breaks first on the free plan
`

const OPTIONS = {
  devices: { type: 'string', default: '10000' },
  'connects-per-day': { type: 'string', default: '6' },
  'commands-per-day': { type: 'string', default: '1' },
  enrolments: { type: 'string', default: '0.03' },
  'package-gb': { type: 'string', default: '0' },
  'no-webhook': { type: 'boolean', default: false },
  'invocation-logs': { type: 'boolean', default: false },
  table: { type: 'boolean', default: false },
  free: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
} as const

const values = parse()
const asked: PricedFleet = {
  devices: Number(values.devices),
  connects: Number(values['connects-per-day']),
  commands: Number(values['commands-per-day']),
  webhook: !values['no-webhook'],
  enrolments: Number(values.enrolments),
  callLogs: values['invocation-logs'],
  packages: Number(values['package-gb']),
}
if (values.help || Object.values(asked).some((value) => Number.isNaN(value))) {
  console.log(HELP)
} else {
  console.log(values.table ? fleetTable(asked) : values.free ? freeTable(asked) : billOf(asked))
}

function parse() {
  try {
    return parseArgs({ options: OPTIONS }).values
  } catch (error) {
    console.error(`cost: ${messageOf(error)} (--help lists the options)`)
    return process.exit(1)
  }
}
