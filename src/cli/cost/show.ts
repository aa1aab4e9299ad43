/** The bill and the tables, as text. */
import { wallRows } from './free.ts'
import { type PricedFleet, itemsOf, priceOf, monthlyTotal, usageOf } from './model.ts'
import { MACHINES, PLAN } from './prices.ts'

const HEAD = [
  'devices',
  'webhook for everything',
  'no webhook',
  'largest part',
  'with a log of each call',
  'VM + MySQL',
  'the same, highly available',
]

/** Each item of a fleet's month, and the total. */
export function billOf(fleet: PricedFleet): string {
  const usage = usageOf(fleet)
  const lines = itemsOf(usage).map(([item, units]) => {
    const count = Math.round(units).toLocaleString('en')
    return line(`${item.padEnd(22)}${count.padStart(18)}`, priceOf(item, units))
  })
  return [...lines, line('Workers Paid', PLAN), line('a month', monthlyTotal(usage))].join('\n')
}

function line(label: string, price: number): string {
  return `${label.padEnd(40)}${dollars(price).padStart(12)}`
}

/** Such fleets of 1,000 to 1,000,000 devices, as a table of Markdown. */
export function fleetTable(fleet: PricedFleet): string {
  const rows = MACHINES.map(({ devices, single, highAvailability }) => {
    const loud = { ...fleet, devices, webhook: true }
    const usage = usageOf(loud)
    const without = monthlyTotal(usageOf({ ...fleet, devices, webhook: false }))
    const [dearest] = itemsOf(usage).toSorted(([a, x], [b, y]) => priceOf(b, y) - priceOf(a, x))
    const most = dearest && priceOf(...dearest) > 0 ? dearest[0] : 'the plan'
    return [
      devices.toLocaleString('en'),
      dollars(monthlyTotal(usage)),
      dollars(without),
      most,
      dollars(monthlyTotal(usageOf({ ...loud, callLogs: true }))),
      single === undefined ? '–' : dollars(single),
      dollars(highAvailability),
    ]
  })
  return markdownTable([HEAD, ...rows])
}

/** What breaks first on the free plan, as a table of Markdown. */
export function freeTable(fleet: PricedFleet): string {
  return markdownTable(wallRows(fleet))
}

function markdownTable([head = [], ...rows]: readonly (readonly string[])[]): string {
  const [first, ...others] = [head, ...rows].map((cells) => `| ${cells.join(' | ')} |`)
  return [first, `|${'---|'.repeat(head.length)}`, ...others].join('\n')
}

function dollars(amount: number): string {
  return `$${amount.toFixed(amount < 100 ? 2 : 0)}`
}
