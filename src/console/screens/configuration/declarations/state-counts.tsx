import type { Schema } from '../../../api/types.ts'
import { Badge } from '../../../kit/badge.tsx'
import { declarationPage, STATE_WORDS, STATES } from './text.ts'

/** On how many devices a declaration is in which state. Each number leads to them. */
export function StateCounts({
  id,
  states,
}: {
  readonly id: string
  readonly states: Schema<'DeclarationStateCounts'>
}) {
  const there = STATES.filter((state) => states[state] > 0).toReversed()
  return there.length === 0 ? (
    <span class="dim">no device</span>
  ) : (
    <span class="state-counts">
      {there.map((state) => {
        const [tone, words] = STATE_WORDS[state]
        return (
          <a key={state} href={declarationPage(id, `?state=${state}`)} title={words}>
            <Badge tone={tone}>
              {states[state].toLocaleString('en-GB')}
              <span class="unseen"> {words}</span>
            </Badge>
          </a>
        )
      })}
    </span>
  )
}
