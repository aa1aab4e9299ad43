import { useSignal } from '@preact/signals'
import { type Answer, send } from '../../api/call.ts'
import { may } from '../../api/session.ts'
import type { Schema } from '../../api/types.ts'
import { Badge } from '../../kit/badge.tsx'
import { Button, needs } from '../../kit/button.tsx'
import { Section } from '../../kit/facts.tsx'
import { FaultNote } from '../../kit/states.tsx'
import { Time } from '../../kit/time.tsx'
import { FindingLine, Words } from './finding.tsx'
import { PROBES } from './text.ts'

/** What no look can see is tried for a moment. */
export function Probes() {
  return (
    <Section title="Try it">
      <p class="dim">Each uses the platform for a moment, and leaves nothing behind.</p>
      <ul class="rows">
        {PROBES.map(([name, title, what]) => (
          <Probe key={name} name={name} title={title} what={what} />
        ))}
      </ul>
    </Section>
  )
}

function Probe({
  name,
  title,
  what,
}: {
  readonly name: (typeof PROBES)[number][0]
  readonly title: string
  readonly what: string
}) {
  const outcome = useSignal<Answer<Schema<'HealthProbe'>> | undefined>(undefined)
  const run = async (): Promise<void> => {
    outcome.value = await send('post', `/api/health/probes/${name}`, { body: {} })
  }
  const { value: answer } = outcome
  return (
    <li>
      <div class="said">
        <p>
          <strong>{title}</strong> <span class="dim">{what}</span>
        </p>
        <div aria-live="polite">
          {answer?.ok === false && <FaultNote fault={answer.fault} />}
          {answer?.ok && (
            <>
              <p>
                <Badge tone={answer.value.findings.length === 0 ? 'good' : 'bad'}>
                  <Words text={answer.value.seen} />
                </Badge>{' '}
                <span class="dim">
                  <Time at={answer.value.checked_at} />
                </span>
              </p>
              {answer.value.findings.length > 0 && (
                <ul class="findings">
                  {answer.value.findings.map((one) => (
                    <FindingLine key={one.text} of={one} />
                  ))}
                </ul>
              )}
            </>
          )}
        </div>
      </div>
      <Button onClick={run} label={`Try: ${title}`} why={needs('config', may('config'))}>
        Try
      </Button>
    </li>
  )
}
