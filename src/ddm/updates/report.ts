import { cutText, isRawDict } from '../status/value.ts'

const MAX_VALUE = 64
const MAX_FAILURE = 300

/** What each status item of an update is kept as; `undefined` where it says nothing. */
const KEPT: Readonly<Record<string, (value: unknown) => unknown>> = {
  'softwareupdate.install-state': (value) => (value === 'none' ? undefined : textOf(value)),
  'softwareupdate.install-reason': (value) => textsIn(value, ['declaration-id']),
  'softwareupdate.pending-version': (value) => textsIn(value, ['os-version', 'build-version']),
  'softwareupdate.failure-reason': (value) => {
    const { count, reason } = isRawDict(value) ? value : {}
    return typeof count === 'number' && count > 0
      ? { count, reason: cutText(reason, MAX_FAILURE) }
      : undefined
  },
  'device.operating-system.supplemental.build-version': textOf,
}

/**
 * What a channel's reports say of updates, as short JSON for the directory: `progressOf` reads the same from
 * it as from the reports. Empty when they say nothing. Times are left out, so that equal devices are equal.
 *
 * @param item the value of a status item
 */
export function updateReport(item: (name: string) => unknown): string {
  const kept = Object.entries(KEPT).flatMap(([name, keep]) => {
    const value = keep(item(name))
    return value === undefined ? [] : [[name, value] as const]
  })
  return kept.length === 0 ? '' : JSON.stringify(Object.fromEntries(kept))
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? cutText(value, MAX_VALUE) : undefined
}

function textsIn(value: unknown, keys: readonly string[]): object | undefined {
  const dict = isRawDict(value) ? value : {}
  const found = keys.filter((key) => typeof dict[key] === 'string')
  return found.length === 0
    ? undefined
    : Object.fromEntries(found.map((key) => [key, cutText(dict[key], MAX_VALUE)]))
}
