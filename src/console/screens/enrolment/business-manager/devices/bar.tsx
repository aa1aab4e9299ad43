import { useSignal } from '@preact/signals'
import type { ComponentChildren } from 'preact'
import { send, type Answer } from '../../../../api/call.ts'
import { AskFirst } from '../../../../kit/dialog.tsx'
import { changed, useRead } from '../../../../api/read.ts'
import { may } from '../../../../api/session.ts'
import type { Schema } from '../../../../api/types.ts'
import { Button, needs } from '../../../../kit/button.tsx'
import { Choice, Field } from '../../../../kit/field.tsx'
import { Empty, Shown } from '../../../../kit/states.tsx'
import { toast } from '../../../../kit/toast.tsx'
import { useTyped } from '../../../../place/kept.ts'
import { counted } from '../../../../time/words.ts'
import { outcomesText, outcomeText } from './said.ts'
import { tabOf } from '../standing.tsx'
import { DISOWNING, LOCKING, UNASSIGNING } from '../text.ts'

type Outcomes = Answer<Schema<'AssignDepProfileAnswer'>>
type Deed = 'assign' | 'unassign' | 'disown' | 'lock'

interface DeedProps {
  readonly account: string
  readonly ids: readonly string[]
  readonly onClose: () => void
}

/** A call of the API releases no more. */
const MOST_RELEASED = 1000

/** What one can do with the picked devices. */
export function DeviceBar({
  account,
  ids,
  onNone,
  children,
}: {
  readonly account: string
  readonly ids: readonly string[]
  readonly onNone: () => void
  /** Beside the count: how to select more. */
  readonly children?: ComponentChildren
}) {
  const deed = useSignal<Deed | undefined>(undefined)
  const config = needs('config', may('config'))
  const destructive = needs('destructive', may('destructive'))
  const few =
    ids.length > MOST_RELEASED
      ? `Select up to ${MOST_RELEASED.toLocaleString('en-GB')} devices`
      : undefined
  const one = ids.length === 1 ? undefined : 'Select one device'
  const button = (name: Deed, label: string, why: string | undefined) => (
    <Button
      tone={name === 'assign' ? 'main' : name === 'disown' ? 'danger' : 'plain'}
      why={why}
      onClick={() => {
        deed.value = name
      }}
    >
      {label}
    </Button>
  )
  const Chosen = deed.value && DEEDS[deed.value]
  return (
    <div class="bulk" role="region" aria-label="Selected devices">
      <strong aria-live="polite">{counted(ids.length, 'device')} selected</strong>
      {children}
      <span class="actions">
        {button('assign', 'Assign profile…', config)}
        {button('unassign', 'Take profile away…', config)}
        {button('lock', 'Activation Lock…', destructive ?? one)}
        {button('disown', 'Release…', destructive ?? few)}
        <Button onClick={onNone}>Clear</Button>
      </span>
      {Chosen && (
        <Chosen
          account={account}
          ids={ids}
          onClose={() => {
            deed.value = undefined
          }}
        />
      )}
    </div>
  )
}

/** Says Apple's word for each device. */
function told(answer: Outcomes, done: string): Outcomes {
  if (answer.ok) {
    const { outcomes } = answer.value
    const isGood = outcomes.every(({ outcome }) => outcome === 'success')
    toast({ text: outcomesText(outcomes, done), tone: isGood ? 'good' : 'bad' })
  }
  changed('/api/dep/')
  return answer
}

function Assign({ account, ids, onClose }: DeedProps) {
  const chosen = useSignal('')
  const read = useRead('/api/dep/profiles', { query: { account } })
  return (
    <AskFirst
      title={`Assign a profile to ${counted(ids.length, 'device')}`}
      deed="Assign profile"
      isLoss={false}
      why={chosen.value === '' ? 'Choose a profile' : undefined}
      onYes={async () =>
        told(
          await send('post', '/api/dep/devices/assign', {
            body: { account, ids: [...ids], profile: chosen.value },
          }),
          `got the profile ${chosen.value}`,
        )
      }
      onClose={onClose}
    >
      <Shown read={read} lines={1}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty title="No profile yet">
              <p>
                Make one under <a href={tabOf('profiles')}>Enrolment profiles</a>.
              </p>
            </Empty>
          ) : (
            <Choice
              label="Profile"
              value={chosen.value}
              none="Choose a profile"
              of={items.map(({ name }) => [name, name])}
              onChoose={(name) => {
                chosen.value = name
              }}
            />
          )
        }
      </Shown>
      <p class="dim">A device that is set up keeps the profile that it has until it is erased.</p>
    </AskFirst>
  )
}

function Unassign({ account, ids, onClose }: DeedProps) {
  return (
    <AskFirst
      title={`Take the profile of ${counted(ids.length, 'device')} away`}
      deed="Take profile away"
      why={undefined}
      onYes={async () =>
        told(
          await send('post', '/api/dep/devices/unassign', { body: { account, ids: [...ids] } }),
          'without a profile',
        )
      }
      onClose={onClose}
    >
      <p>{UNASSIGNING}</p>
    </AskFirst>
  )
}

function Disown({ account, ids, onClose }: DeedProps) {
  const [first = ''] = ids
  const count = ids.length
  return (
    <AskFirst
      title={`Release ${counted(count, 'device')} from the organisation`}
      deed={`Release ${counted(count, 'device')}`}
      word={count === 1 ? lastFour(first) : String(count)}
      hint={count === 1 ? LAST_FOUR : 'The number of devices.'}
      why={undefined}
      onYes={async () =>
        told(
          await send('post', '/api/dep/devices/disown', {
            body: { account, ids: [...ids], confirm: { action: 'disown', count } },
          }),
          'released',
        )
      }
      onClose={onClose}
    >
      <p>{DISOWNING}</p>
      <p class="mono">{ids.slice(0, MOST_SHOWN).join(', ')}</p>
      {count > MOST_SHOWN && <p class="dim">and {count - MOST_SHOWN} more</p>}
    </AskFirst>
  )
}

function Lock({ ids: [id = ''], onClose }: DeedProps) {
  const name = `message of the lock ${id}`
  const message = useTyped(name, '')
  return (
    <AskFirst
      title={`Turn Activation Lock on for ${id}`}
      deed="Turn Activation Lock on"
      word={lastFour(id)}
      hint={LAST_FOUR}
      typed={name}
      onYes={async () => {
        const text = message.value.trim()
        const answer = await send('post', '/api/dep/devices/{id}/activation-lock', {
          path: { id },
          body: {
            confirm: { action: 'activation-lock', id },
            ...(text !== '' && { lost_message: text }),
          },
        })
        if (answer.ok) {
          const failed = outcomeText(answer.value.outcome)
          toast(
            failed === undefined
              ? { text: `Activation Lock is on for ${id}` }
              : { text: `${id}: ${failed}`, tone: 'bad' },
          )
        }
        return answer
      }}
      onClose={onClose}
    >
      <p>{LOCKING}</p>
      <Field
        label="Message"
        value={message.value}
        hint="The device shows it. It may be left out."
        more={{ autocomplete: 'off' }}
        onInput={(text) => {
          message.value = text
        }}
      />
    </AskFirst>
  )
}

const DEEDS = { assign: Assign, unassign: Unassign, disown: Disown, lock: Lock } as const
const MOST_SHOWN = 20
const LAST_FOUR = 'The last four characters of the serial number.'

function lastFour(serial: string): string {
  return serial.slice(-4)
}
