import { useRead } from '../../../../api/read.ts'
import { may } from '../../../../api/session.ts'
import type { Schema } from '../../../../api/types.ts'
import { go, place, withQuery, wordIn } from '../../../../place/router.ts'
import { Badge } from '../../../../kit/badge.tsx'
import { Button, needs } from '../../../../kit/button.tsx'
import { Section } from '../../../../kit/facts.tsx'
import { Choice } from '../../../../kit/field.tsx'
import { Empty, Shown } from '../../../../kit/states.tsx'
import { Time } from '../../../../kit/time.tsx'
import { resend, syncDeclarations } from '../../../configuration/declarations/deeds.ts'
import { isInWords, reasonIn } from '../../../configuration/declarations/reasons.ts'
import { ReasonsSaid, Resend, StateLine } from '../../../configuration/declarations/state-line.tsx'
import { declarationPage, shortType } from '../../../configuration/declarations/text.ts'
import { inOrder } from './declarative.ts'
import { SetsOfDevice } from './sets-of-device.tsx'
import { StatusPart } from './status.tsx'

type Device = Schema<'DeviceDetail'>
type Declared = Schema<'DeviceDeclarations'>

const EACH = 15_000

/** What a device, or a user of it, gets by declarations, and what it reports. */
export function DeviceDeclarations({ device }: { readonly device: Device }) {
  const ids = device.channels.map(({ id }) => id)
  const id = wordIn(place.value.query.get('channel'), ids, device.id)
  const read = useRead('/api/devices/{id}/declarations', { path: { id } }, { each: EACH })
  return (
    <>
      {device.channels.length > 1 && (
        <Choice
          label="Of"
          value={id}
          of={device.channels.map(({ id: channel, user }) => [
            channel,
            user === null ? 'The device' : `User ${user}`,
          ])}
          onChoose={(channel) => {
            go(withQuery({ channel: channel === device.id ? undefined : channel }), {
              replace: true,
            })
          }}
        />
      )}
      <Shown read={read}>{(declared) => <States of={declared} />}</Shown>
      <SetsOfDevice id={id} />
      <StatusPart id={id} />
    </>
  )
}

function States({ of: declared }: { readonly of: Declared }) {
  const { id, declarations } = declared
  const why = needs('command', may('command'))
  return (
    <Section
      title={`Declarations (${declarations.length})`}
      actions={
        <span class="actions">
          <Standing of={declared} />
          <Button why={why} onClick={() => syncDeclarations(id)}>
            Sync
          </Button>
          {declarations.length > 1 && (
            <Button why={why} onClick={() => resend(id)}>
              Re-send all
            </Button>
          )}
        </span>
      }
    >
      {declarations.length === 0 ? (
        <Empty title="No declaration concerns it">
          <p>It is in no set that has one. Put it into a set below.</p>
        </Empty>
      ) : (
        <ul class="findings states">
          {inOrder(declared).map((one) => (
            <Line key={one.id} of={one} enrollment={id} />
          ))}
        </ul>
      )}
    </Section>
  )
}

/** Whether the device has the present list. */
function Standing({ of: { enabled, synced, changed_at: at } }: { readonly of: Declared }) {
  if (!enabled) {
    return <Badge tone="quiet">Never offered any</Badge>
  }
  return (
    <span class="dim">
      {synced ? (
        <Badge tone="good">Has the present list</Badge>
      ) : (
        <Badge tone="busy">Has not fetched the present list</Badge>
      )}
      {at !== null && (
        <>
          {' '}
          of <Time at={at} />
        </>
      )}
    </span>
  )
}

function Line({
  of: one,
  enrollment,
}: {
  readonly of: Schema<'DeviceDeclaration'>
  readonly enrollment: string
}) {
  const { words, fix } = reasonIn(one.code)
  return (
    <StateLine
      state={one.state}
      since={one.since}
      title={
        <>
          <a href={declarationPage(one.id)}>
            <bdi>{one.id}</bdi>
          </a>{' '}
          <span class="dim" title={one.type}>
            {shortType(one.type)}
          </span>
        </>
      }
      action={
        one.state !== 'withheld' && <Resend enrollment={enrollment} id={one.id} of={one.id} />
      }
    >
      {(one.state === 'failed' || one.code !== null) && (
        <p>
          {words}. {isInWords(one.code) && <code>{one.code}</code>} <span class="dim">{fix}</span>
        </p>
      )}
      {one.state === 'failed' && <ReasonsSaid of={one.reasons} known={one.code} />}
    </StateLine>
  )
}
