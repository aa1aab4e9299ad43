/** What the server says of devices at Apple, in words: pure. */
import type { Schema } from '../../../../api/types.ts'
import { counted, endTone, relative } from '../../../../time/words.ts'

export type AppleDevice = NonNullable<Schema<'DepDevice'>>
type Outcomes = Schema<'AssignDepProfileAnswer'>['outcomes']

const OUTCOME_WORDS: Readonly<Record<string, string>> = {
  failed: 'Apple failed: the server tries again by itself',
  throttled: 'Apple delays it: the server tries again by itself',
  not_accessible: 'it is not a device of this account',
  org_not_supported: 'Apple does not allow it for this organisation',
  device_not_supported: 'the device does not support it',
  device_already_locked: 'the device is locked already',
}

/** What Apple's word for a device means; `undefined` for success. */
export function outcomeText(outcome: string | null): string | undefined {
  return outcome === null || outcome === 'success'
    ? undefined
    : (OUTCOME_WORDS[outcome] ?? outcome.replaceAll('_', ' '))
}

/** How a call about devices went: `done` says what became of those that succeeded. */
export function outcomesText(outcomes: Outcomes, done: string): string {
  const failed = outcomes.filter(({ outcome }) => outcome !== 'success')
  const good = outcomes.length - failed.length
  const groups = Map.groupBy(failed, ({ outcome }) => outcome)
  return [
    ...(good > 0 || failed.length === 0 ? [`${counted(good, 'device')} ${done}.`] : []),
    ...[...groups].map(
      ([outcome, of]) => `${namesOf(of.map(({ id }) => id))}: ${outcomeText(outcome) ?? ''}.`,
    ),
  ].join(' ')
}

const NAMED = 3

/** The first serial numbers, and how many more. */
function namesOf(ids: readonly string[]): string {
  const more = ids.length > NAMED ? [`${ids.length - NAMED} more`] : []
  return [...ids.slice(0, NAMED), ...more].join(', ')
}

/**
 * How the move of a device from another server stands.
 *
 * @param now the server's time, in milliseconds
 */
export function migrationOf(
  {
    migration_deadline: at,
    device_id: here,
  }: Pick<AppleDevice, 'migration_deadline' | 'device_id'>,
  now: number,
): readonly ['good' | 'warn' | 'bad' | 'quiet', string] | undefined {
  const time = Date.parse(at ?? '')
  if (Number.isNaN(time)) {
    return undefined
  }
  if (here !== null) {
    return ['good', 'Moved here']
  }
  return time <= now
    ? ['bad', `Passed ${relative(time, now)}`]
    : [endTone(time, now) === 'bad' ? 'warn' : 'quiet', `Due ${relative(time, now)}`]
}
