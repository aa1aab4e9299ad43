/** `npm run cost`: the monthly cost of a fleet, from the counters that the tests measure. */
import { parseArgs } from 'node:util'
import { messageOf } from '../error.ts'
import { COUNTERS, type Counters, type Operation } from './counters.ts'
import { type Item, ITEMS, MACHINES, PLAN, PRICES } from './prices.ts'

const DAYS = 30
/**
 * Seconds that a call keeps its object in memory, at 128 MB. This is an assumption: only Cloudflare's bill
 * shows it.
 */
const AWAKE = 0.05
const OBJECT_GB = 0.128
/** Milliseconds of CPU per request, all objects included: a multiple of the figures of `npm run bench`. */
const CPU_MS = 1
/** Gigabytes per device: an object's SQLite file after a month, and its rows in D1. */
const OBJECT_STORAGE = 100e-6
const D1_STORAGE = 2e-6

const HELP = `Usage: npm run cost -- [options]

  --devices N            devices (10000)
  --connects-per-day N   connects of a device a day that find nothing to do (6)
  --commands-per-day N   commands to a device a day (1)
  --no-webhook           without a webhook
  --enrolments N         share of the devices that enrols in a month (0.03)
  --table                1,000 to 1,000,000 devices, as docs/cost.md has it
`

const HEAD = [
  'devices',
  'webhook for everything',
  'no webhook',
  'most goes to',
  'VM + MySQL',
  'the same, highly available',
]

interface Fleet {
  devices: number
  connects: number
  commands: number
  webhook: boolean
  enrolments: number
}

const OPTIONS = {
  devices: { type: 'string', default: '10000' },
  'connects-per-day': { type: 'string', default: '6' },
  'commands-per-day': { type: 'string', default: '1' },
  enrolments: { type: 'string', default: '0.03' },
  'no-webhook': { type: 'boolean', default: false },
  table: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
} as const

const values = parse()
const asked: Fleet = {
  devices: Number(values.devices),
  connects: Number(values['connects-per-day']),
  commands: Number(values['commands-per-day']),
  webhook: !values['no-webhook'],
  enrolments: Number(values.enrolments),
}
if (values.help || Object.values(asked).some((value) => Number.isNaN(value))) {
  console.log(HELP)
} else {
  console.log(values.table ? tableOf(asked) : billOf(asked))
}

function parse() {
  try {
    return parseArgs({ options: OPTIONS }).values
  } catch (error) {
    console.error(`cost: ${messageOf(error)} (--help lists the options)`)
    return process.exit(1)
  }
}

/** How often each operation happens in a month. */
function operationsOf(fleet: Fleet): readonly (readonly [Operation, number])[] {
  const { devices, connects, commands, webhook, enrolments } = fleet
  return [
    [webhook ? 'idleWithWebhook' : 'idle', devices * connects * DAYS],
    [webhook ? 'commandWithWebhook' : 'command', devices * commands * DAYS],
    // In addition to a connect: connects are further apart than `LAST_SEEN_RESOLUTION`.
    ['lastSeen', devices * (connects + commands) * DAYS],
    ['enrolment', devices * enrolments],
    // One or two check-ins a month: a new token after an update, for example.
    ['tokenUpdate', devices],
  ]
}

function usageOf(fleet: Fleet): Record<Item, number> {
  const total = (counter: keyof Counters): number =>
    operationsOf(fleet).reduce((sum, [name, times]) => sum + COUNTERS[name][counter] * times, 0)
  const requests = total('requests')
  const calls = total('objectCalls')
  return {
    'Worker requests': requests,
    'Worker CPU ms': requests * CPU_MS,
    'object requests': calls,
    'object GB-s': calls * AWAKE * OBJECT_GB,
    'object rows written': total('rows'),
    'object storage GB': fleet.devices * OBJECT_STORAGE,
    'D1 rows written': total('directoryRows'),
    'D1 storage GB': fleet.devices * D1_STORAGE,
    // Written, read and deleted.
    'queue operations': total('messages') * 3,
  }
}

function priceOf(item: Item, units: number): number {
  const { included, each } = PRICES[item]
  return Math.max(0, units - included) * each
}

function totalOf(usage: Record<Item, number>): number {
  return itemsOf(usage).reduce((sum, [item, units]) => sum + priceOf(item, units), PLAN)
}

function itemsOf(usage: Record<Item, number>): readonly (readonly [Item, number])[] {
  return ITEMS.map((item) => [item, usage[item]])
}

function line(label: string, price: number): string {
  return `${label.padEnd(40)}${dollars(price).padStart(12)}`
}

function billOf(fleet: Fleet): string {
  const usage = usageOf(fleet)
  const lines = itemsOf(usage).map(([item, units]) => {
    const count = Math.round(units).toLocaleString('en')
    return line(`${item.padEnd(22)}${count.padStart(18)}`, priceOf(item, units))
  })
  return [...lines, line('Workers Paid', PLAN), line('a month', totalOf(usage))].join('\n')
}

function tableOf(fleet: Fleet): string {
  const rows = MACHINES.map(({ devices, single, highAvailability }) => {
    const withWebhook = totalOf(usageOf({ ...fleet, devices, webhook: true }))
    const without = totalOf(usageOf({ ...fleet, devices, webhook: false }))
    const usage = usageOf({ ...fleet, devices, webhook: true })
    const [dearest] = itemsOf(usage).toSorted(([a, x], [b, y]) => priceOf(b, y) - priceOf(a, x))
    const most = dearest && priceOf(...dearest) > 0 ? dearest[0] : 'the plan'
    return [
      devices.toLocaleString('en'),
      dollars(withWebhook),
      dollars(without),
      most,
      single === undefined ? '–' : dollars(single),
      dollars(highAvailability),
    ]
  })
  const [head, ...body] = [HEAD, ...rows].map((cells) => `| ${cells.join(' | ')} |`)
  return [head, `|${'---|'.repeat(HEAD.length)}`, ...body].join('\n')
}

function dollars(amount: number): string {
  return `$${amount.toFixed(amount < 100 ? 2 : 0)}`
}
