/** The limits of the free plan, and the fleets that reach them. */
import { DAYS, type PricedFleet, usageOf } from './model.ts'
import type { Item } from './prices.ts'

/** A limit of Cloudflare's free plan as of November 2026, and what the server does when it is reached. */
interface Wall {
  readonly item: Item
  readonly most: number
  /** Whether it begins anew at 00:00 UTC. */
  readonly isDaily: boolean
  readonly effect: string
}

const WALLS: readonly Wall[] = [
  {
    item: 'Worker requests',
    most: 100_000,
    isDaily: true,
    effect: 'Cloudflare answers in place of the server (error 1027). Devices try again',
  },
  {
    item: 'object requests',
    most: 100_000,
    isDaily: true,
    effect: 'devices get 503 and try again. Nothing is lost',
  },
  {
    item: 'object GB-s',
    most: 13_000,
    isDaily: true,
    effect: 'devices get 503 and try again. Nothing is lost',
  },
  {
    item: 'object rows written',
    most: 100_000,
    isDaily: true,
    effect:
      'messages that change something get 503. Devices keep their answers and send them again',
  },
  {
    item: 'object storage GB',
    most: 5,
    isDaily: false,
    effect: 'messages that change something get 503, until something is deleted',
  },
  {
    item: 'D1 rows written',
    most: 100_000,
    isDaily: true,
    effect: 'no enrolment and no new certificate, and lists are old. Known devices go on',
  },
  {
    item: 'D1 storage GB',
    most: 0.5,
    isDaily: false,
    effect: 'no enrolment and no new certificate, until something is deleted',
  },
  {
    item: 'queue operations',
    most: 10_000,
    isDaily: true,
    effect: 'webhooks get events later: alarms announce them again. Devices notice nothing',
  },
  {
    item: 'observability GB',
    most: 0.5,
    isDaily: true,
    effect: 'Cloudflare stores no more lines. Devices notice nothing',
  },
]

const HEAD = ['limit', 'webhook for everything', 'no webhook', 'when it is reached'] as const

/** A line for each limit: how many devices reach it, with a webhook and without. The narrowest is first. */
export function wallRows(fleet: PricedFleet): readonly (readonly string[])[] {
  const walls = WALLS.map((wall) => ({
    wall,
    loud: devicesAt(wall, { ...fleet, webhook: true }),
    quiet: devicesAt(wall, { ...fleet, webhook: false }),
  }))
  const rows = walls
    .toSorted((one, other) => one.loud - other.loud)
    .map(({ wall, loud, quiet }) => [
      `${wall.most.toLocaleString('en')} ${wall.item}${wall.isDaily ? ' a day' : ''}`,
      devicesText(loud),
      devicesText(quiet),
      wall.effect,
    ])
  return [HEAD, ...rows]
}

/** The number of devices that use all of it. */
function devicesAt({ item, most, isDaily }: Wall, fleet: PricedFleet): number {
  const ofOne = usageOf({ ...fleet, devices: 1 })[item]
  return most / (isDaily ? ofOne / DAYS : ofOne)
}

/** Two digits: the model is no more exact than that. */
function devicesText(devices: number): string {
  if (!Number.isFinite(devices)) {
    return 'never'
  }
  const unit = 10 ** Math.max(0, Math.floor(Math.log10(devices)) - 1)
  return `${(Math.floor(devices / unit) * unit).toLocaleString('en')} devices`
}
