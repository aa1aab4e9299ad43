import { useRead } from '../../api/read.ts'
import type { Schema } from '../../api/types.ts'
import { Badge } from '../../kit/badge.tsx'
import { Facts, Section } from '../../kit/facts.tsx'
import { Note, Shown } from '../../kit/states.tsx'
import { Ends, Time } from '../../kit/time.tsx'
import { counted } from '../../time/words.ts'
import { Words } from './finding.tsx'
import { RENEWAL_STATES } from './text.ts'

/** Everything that ends: the push certificate, the authorities, the identities of devices. */
export function ServerCertificates() {
  return (
    <Section title="Certificates">
      <div class="cards">
        <PushCertificate />
        <Authorities />
        <Identities />
      </div>
    </Section>
  )
}

function PushCertificate() {
  const read = useRead('/api/push-certificate', {})
  const { fault } = read.state.value
  return (
    <div class="card">
      <h3>Push certificate</h3>
      {fault?.code === 'push_certificate_not_found' ? (
        <Note tone="warn">
          <p>
            <Words text={fault.detail} />
          </p>
        </Note>
      ) : (
        <Shown read={read} lines={2}>
          {({ topic, expires_at: end, warning }) => (
            <>
              <p>
                <Ends at={end} />
              </p>
              <p class="dim mono">{topic}</p>
              {warning !== null && (
                <p>
                  <Words text={warning} />
                </p>
              )}
            </>
          )}
        </Shown>
      )}
    </div>
  )
}

function Authorities() {
  const read = useRead('/api/ca', {})
  return (
    <div class="card">
      <h3>Certificate authorities</h3>
      <Shown read={read} lines={2}>
        {({ items }) =>
          items.length === 0 ? (
            <p>
              There is none: no device gets an identity. Make one with{' '}
              <code>npm run ca -- create</code>.
            </p>
          ) : (
            items.map((one) => (
              <div key={one.id}>
                <p>
                  {one.subject.replace(/^CN=/, '')}{' '}
                  <Badge tone={one.issues ? 'good' : 'quiet'}>
                    {one.issues ? 'issues' : 'accepted'}
                  </Badge>
                </p>
                <p class="dim">
                  <Ends at={one.expires_at} /> · {counted(one.issued, 'certificate')} issued
                </p>
                {one.warning !== null && (
                  <p>
                    <Words text={one.warning} />
                  </p>
                )}
              </div>
            ))
          )
        }
      </Shown>
    </div>
  )
}

/** Identities by their end, and how their renewal goes. */
function Identities() {
  const fleet = useRead('/api/overview', {})
  const renewals = useRead('/api/renewals', {})
  return (
    <div class="card">
      <h3>Identities of devices</h3>
      <Shown read={fleet} lines={1}>
        {({ devices }) => (
          <p>{devices ? <Endings of={devices} /> : 'They cannot be counted now.'}</p>
        )}
      </Shown>
      <Shown read={renewals} lines={1}>
        {({ state, reason, per_hour: pace, due, counts }) => {
          const [tone, word] = RENEWAL_STATES[state]
          return (
            <>
              <Facts
                of={[
                  ['Renewals', <Badge tone={tone}>{word}</Badge>],
                  ['Due now', due.toLocaleString('en-GB')],
                  ['Pace', `${pace} an hour`],
                  [
                    'Lately',
                    `${counts.renewed} renewed, ${counts.sent} sent, ` +
                      `${counts.failed} failed, ${counts.blocked} blocked`,
                  ],
                ]}
              />
              {reason !== null && (
                <p>
                  <Words text={reason} />
                </p>
              )}
            </>
          )
        }}
      </Shown>
    </div>
  )
}

function Endings({
  of: { identities_ending: ending, by_state: states, counted_at: at },
}: {
  readonly of: NonNullable<Schema<'Overview'>['devices']>
}) {
  if (states.enrolled === 0) {
    return 'No device is enrolled.'
  }
  const [soon, later] = [ending['14d'], ending['60d']]
  return (
    <>
      <Badge tone={soon > 0 ? 'bad' : later > 0 ? 'warn' : 'good'}>
        {later === 0 ? 'None ends' : counted(later, 'ends', 'end')} within 60 days
      </Badge>
      {soon > 0 && `, ${soon.toLocaleString('en-GB')} within 14`}{' '}
      <span class="dim">
        Counted <Time at={at} />.
      </span>
    </>
  )
}
