import type { Reported } from '../../ddm/states.ts'

const MOST_REFUSALS = 5

/** What a simulated device did with its declarations, as the end of a sentence. */
export function appliedText(states: readonly Reported[]): string {
  const good = states.filter(({ active, valid }) => active && valid === 'valid').length
  const refusals = states.flatMap(({ identifier, valid, reasons }) =>
    valid === 'invalid' ? [`${identifier} (${reasons.map(({ code }) => code).join(', ')})`] : [],
  )
  const shown = refusals.slice(0, MOST_REFUSALS).join(', ')
  const more =
    refusals.length > MOST_REFUSALS ? `, and ${refusals.length - MOST_REFUSALS} more` : ''
  return [
    `applies ${good} of ${states.length} declarations`,
    ...(refusals.length > 0 ? [`refuses ${shown}${more}`] : []),
  ].join(', ')
}
