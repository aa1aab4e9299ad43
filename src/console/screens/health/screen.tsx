import { useEffect } from 'preact/hooks'
import { useRead } from '../../api/read.ts'
import type { Schema } from '../../api/types.ts'
import { place } from '../../place/router.ts'
import { Badge } from '../../kit/badge.tsx'
import { Button } from '../../kit/button.tsx'
import { Facts, Section } from '../../kit/facts.tsx'
import { Shown } from '../../kit/states.tsx'
import { Time } from '../../kit/time.tsx'
import { counted } from '../../time/words.ts'
import { ServerCertificates } from './certificates.tsx'
import { FindingLine, Words } from './finding.tsx'
import { Probes } from './probes.tsx'
import { standingOf } from '../webhooks/text.ts'
import { NOTHING_WRONG } from './text.ts'

type HealthOf = Schema<'Health'>

/** How the server is by its own checks (docs/health.md). They cost something: no clock repeats them. */
export default function Health() {
  const read = useRead('/api/health', {})
  return (
    <>
      <header class="bar">
        <h1>Health</h1>
        <Button onClick={read.again} isBusy={read.state.value.isBusy}>
          Check again
        </Button>
      </header>
      <Shown read={read} lines={6}>
        {(health) => <Checks health={health} />}
      </Shown>
      <ServerCertificates />
      <Webhooks />
      <Probes />
    </>
  )
}

function Checks({ health }: { readonly health: HealthOf }) {
  const wanted = place.value.query.get('check')
  useEffect(() => {
    document.querySelector(`[data-check="${CSS.escape(wanted ?? '')}"]`)?.scrollIntoView()
  }, [wanted])
  const bad = health.checks.filter(({ findings }) => findings.length > 0)
  const unknown = health.checks.filter((one) => !one.known)
  const good = health.checks.filter((one) => one.known && one.findings.length === 0)
  return (
    <>
      {bad.length === 0 ? (
        <p class="calm">
          <Badge tone="good">{NOTHING_WRONG}</Badge>
        </p>
      ) : (
        <Section title="Needs attention">
          <ul class="findings">
            {bad.map(({ id, findings }) => (
              <li key={id} data-check={id} class={id === wanted ? 'wanted' : ''}>
                <ul>
                  {findings.map((one) => (
                    <FindingLine key={one.text} of={one} action={<code class="dim">{id}</code>} />
                  ))}
                </ul>
              </li>
            ))}
          </ul>
        </Section>
      )}
      <details open={bad.length === 0}>
        <summary>
          {counted(good.length, 'check')} passed <Time at={health.checked_at} />
          {unknown.length > 0 && `, ${unknown.length} could not be made`}
        </summary>
        <ul class="passed">
          {[...unknown, ...good].map(({ id, title, known }) => (
            <li key={id}>
              <Badge tone={known ? 'good' : 'quiet'}>
                {title}
                {!known && ' — not known'}
              </Badge>
            </li>
          ))}
        </ul>
      </details>
      <Section title="Server">
        <Facts
          of={[
            ['Release', health.version],
            ['Address', health.public_url ?? <span class="dim">as each request names it</span>],
            ['Push topic', health.push_topic ?? <span class="dim">not known</span>],
            ['Seal keys', <code>{health.seal_keys.join(', ')}</code>],
          ]}
        />
      </Section>
    </>
  )
}

function Webhooks() {
  const read = useRead('/api/webhooks', { query: { limit: 40 } })
  return (
    <Section title="Webhooks">
      <Shown read={read} lines={2}>
        {({ items }) =>
          items.length === 0 ? (
            <p class="dim">
              None. Other programs hear of devices by <a href="/console/webhooks">webhooks</a>.
            </p>
          ) : (
            <ul class="rows">
              {items.map((webhook) => {
                const { id, url, reason, deliveries: posts } = webhook
                const [tone, word] = standingOf(webhook)
                return (
                  <li key={id}>
                    <div class="said">
                      <p>
                        <a href={`/console/webhooks/${encodeURIComponent(id)}`}>{url}</a>{' '}
                        <Badge tone={tone}>{word}</Badge>
                      </p>
                      <p class="dim">
                        {reason !== null && (
                          <>
                            <Words text={reason} />{' '}
                          </>
                        )}
                        {counted(posts.devices_waiting, 'device waits', 'devices wait')},{' '}
                        {counted(posts.dead_letters, 'dead letter')}, delivered{' '}
                        <Time at={posts.last_delivered_at} />
                      </p>
                    </div>
                  </li>
                )
              })}
            </ul>
          )
        }
      </Shown>
    </Section>
  )
}
