import type { Schema } from '../../api/types.ts'
import { Badge } from '../../kit/badge.tsx'
import { Section } from '../../kit/facts.tsx'
import { FindingLine } from '../health/finding.tsx'
import { NOTHING_WRONG } from '../health/text.ts'
import { concernsOf, placeOf } from './text.ts'

/** What needs somebody, each with its remedy and the place for it. */
export function Attention({
  of: { needs_attention: found, devices },
}: {
  readonly of: Schema<'Overview'>
}) {
  const concerns = devices ? concernsOf(devices) : []
  const count = found.length + concerns.length
  if (count === 0) {
    return (
      <p class="calm">
        <Badge tone="good">{NOTHING_WRONG}</Badge>
      </p>
    )
  }
  return (
    <Section title={`Needs attention (${count})`}>
      <ul class="findings">
        {found.map((one) => (
          <FindingLine
            key={one.text}
            of={one}
            action={
              <a class="button" href={placeOf(one)}>
                Open<span class="unseen"> {one.id}</span>
              </a>
            }
          />
        ))}
        {concerns.map(({ text, fix, to, of }) => (
          <FindingLine
            key={to}
            of={{ level: 'warn', text, fix, since: null }}
            action={
              <a class="button" href={to}>
                Show<span class="unseen"> the {of}</span>
              </a>
            }
          />
        ))}
      </ul>
    </Section>
  )
}
