/**
 * Cloudflare's price list as of November 2026 (Workers Paid, US dollars a month), and the cost of the same
 * fleet on machines. These are the only prices in the repository.
 */
export interface Price {
  /** Units that the plan includes. */
  readonly included: number
  /** Dollars for each unit beyond. */
  readonly each: number
}

const MILLION = 1e6

export const PLAN = 5

export const PRICES = {
  'Worker requests': { included: 10 * MILLION, each: 0.3 / MILLION },
  'Worker CPU ms': { included: 30 * MILLION, each: 0.02 / MILLION },
  'object requests': { included: MILLION, each: 0.15 / MILLION },
  'object GB-s': { included: 400_000, each: 12.5 / MILLION },
  'object rows written': { included: 50 * MILLION, each: 1 / MILLION },
  'object storage GB': { included: 5, each: 0.2 },
  'D1 rows written': { included: 50 * MILLION, each: 1 / MILLION },
  'D1 storage GB': { included: 5, each: 0.75 },
  'queue operations': { included: MILLION, each: 0.4 / MILLION },
  // From December 2026 on: what is stored, and the gigabyte-months of the days that it is kept.
  'observability GB': { included: 50, each: 0.25 },
  'observability GB kept': { included: 12, each: 0.1 },
  'R2 GB': { included: 10, each: 0.015 },
} as const satisfies Readonly<Record<string, Price>>

export type Item = keyof typeof PRICES

// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a constant object has no other keys
export const ITEMS = Object.keys(PRICES) as Item[]

/**
 * A VM and a managed MySQL for NanoMDM, at list prices of a low-cost provider. `highAvailability` is two
 * VMs, a load balancer and a standby database. Rows above 10,000 devices are estimates. The first row that
 * is large enough counts.
 */
export const MACHINES: readonly {
  readonly devices: number
  readonly single: number | undefined
  readonly highAvailability: number
}[] = [
  { devices: 1_000, single: 27, highAvailability: 140 },
  { devices: 10_000, single: 40, highAvailability: 180 },
  { devices: 100_000, single: 110, highAvailability: 300 },
  { devices: 1_000_000, single: undefined, highAvailability: 1_650 },
]
