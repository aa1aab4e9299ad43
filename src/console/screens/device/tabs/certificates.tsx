import { useRead } from '../../../api/read.ts'
import { may } from '../../../api/session.ts'
import type { Schema } from '../../../api/types.ts'
import { Badge, type Tone } from '../../../kit/badge.tsx'
import { Button, needs } from '../../../kit/button.tsx'
import { Section } from '../../../kit/facts.tsx'
import { Shown } from '../../../kit/states.tsx'
import { Ends } from '../../../kit/time.tsx'
import { renewNow } from '../deeds.ts'
import { AskAgain, AsOf, Report } from './inventory.tsx'

type Device = Schema<'DeviceDetail'>
type Identity = Schema<'Identity'>

const STATES: Readonly<Record<Identity['state'], readonly [tone: Tone, words: string]>> = {
  current: ['good', 'In use'],
  earlier: ['quiet', 'Of an earlier enrolment'],
  frozen: ['warn', 'Another certificate is the device’s'],
  revoked: ['bad', 'Revoked'],
}

/** The certificates by which the server knows the device, and those that the device reports. */
export function DeviceCertificates({ device }: { readonly device: Device }) {
  const { id, identities, state } = device
  return (
    <>
      <Section
        title="Known by"
        actions={
          state === 'enrolled' && (
            <Button why={needs('command', may('command'))} onClick={() => renewNow(id)}>
              Renew now
            </Button>
          )
        }
      >
        {identities.length === 0 && <p class="dim">The server knows no certificate of it.</p>}
        <ul class="commands">
          {identities.map((one) => (
            <li key={one.id}>
              <span class="what">
                <bdi>{one.subject ?? 'Not seen yet'}</bdi>{' '}
                <Badge tone={STATES[one.state][0]}>{STATES[one.state][1]}</Badge>
              </span>
              <span class="reason">
                {one.expires_at && <Ends at={one.expires_at} />}{' '}
                <span class="dim mono">{one.id.slice(0, 16)}…</span>
              </span>
            </li>
          ))}
        </ul>
      </Section>
      <Reported device={device} />
    </>
  )
}

/** The newest answer to CertificateList, as long as the history keeps it. */
function Reported({ device }: { readonly device: Device }) {
  const { id } = device
  const list = useRead('/api/devices/{id}/commands', {
    path: { id },
    query: { request_type: ['CertificateList'], state: ['acknowledged'], limit: 1 },
  })
  return (
    <Section title="On the device" actions={<AskAgain device={device} />}>
      <Shown read={list} lines={2}>
        {({ items: [newest] }) =>
          newest ? (
            <Answer id={newest.id} at={newest.answered_at ?? newest.queued_at} />
          ) : (
            <p class="dim">The device has not been asked lately.</p>
          )
        }
      </Shown>
    </Section>
  )
}

function Answer({ id, at }: { readonly id: string; readonly at: string }) {
  const read = useRead('/api/commands/{id}', { path: { id } })
  return (
    <Shown read={read} lines={2}>
      {({ result }) => (
        <>
          <p>
            <AsOf at={at} />. <a href={`/console/commands/${encodeURIComponent(id)}`}>The answer</a>
          </p>
          <Report type="CertificateList" of={result ?? {}} />
        </>
      )}
    </Shown>
  )
}
