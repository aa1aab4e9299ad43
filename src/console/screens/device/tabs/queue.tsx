import { useSignal } from '@preact/signals'
import { useRead } from '../../../api/read.ts'
import { may } from '../../../api/session.ts'
import type { Schema } from '../../../api/types.ts'
import { Button, needs } from '../../../kit/button.tsx'
import { Dialog } from '../../../kit/dialog.tsx'
import { Section } from '../../../kit/facts.tsx'
import { Note, Shown } from '../../../kit/states.tsx'
import { counted } from '../../../time/words.ts'
import { useLosing } from '../../command/losing.ts'
import { clearQueue } from '../deeds.ts'
import { whyNoUndo } from '../undo.ts'
import { LATE_ANSWER } from '../../../api/command-words.ts'
import { aroundOf, ENDED, EndedList, WAITING, WaitingList } from './commands.tsx'

type Device = Schema<'DeviceDetail'>
type Command = Schema<'Command'>

/** How many commands a list shows. The API has the rest. */
const LISTED = 100
const EACH = 15_000
/** A Shared iPad may have many users. */
const MOST_USERS = 10

/** What waits for the device and its users and why, and what ended last. */
export function Queue({ device }: { readonly device: Device }) {
  const [own, ...users] = device.channels
  const busy = users.filter(({ queue }) => queue.waiting > 0)
  return (
    <>
      <ChannelQueue device={device} channel={own} id={device.id} title="Waiting" />
      {busy.slice(0, MOST_USERS).map((channel) => (
        <ChannelQueue
          key={channel.id}
          device={device}
          channel={channel}
          id={channel.id}
          title={`Waiting for the user ${channel.user ?? ''}`}
        />
      ))}
      {busy.length > MOST_USERS && (
        <p class="dim">Commands wait for {counted(busy.length - MOST_USERS, 'more user')}.</p>
      )}
      <Latest id={device.id} limit={LISTED} />
    </>
  )
}

/** What waits on one channel. @param limit shows no more, and a link to the rest */
export function ChannelQueue({
  device,
  channel,
  id,
  title,
  limit = LISTED,
}: {
  readonly device: Device
  readonly channel: Device['channels'][number] | undefined
  readonly id: string
  readonly title: string
  readonly limit?: number
}) {
  const read = useRead(
    '/api/devices/{id}/commands',
    { path: { id }, query: { state: [...WAITING], limit: LISTED } },
    { each: EACH },
  )
  const count = channel?.queue.waiting ?? 0
  const listed = read.state.value.value?.items ?? []
  // The oldest goes out first.
  const shown = listed.toReversed().slice(0, limit)
  return (
    <Section title={title} actions={count > 0 && <Clear id={id} count={count} listed={listed} />}>
      <Shown read={read} lines={2}>
        {() =>
          shown.length === 0 ? (
            <p class="dim">Nothing waits.</p>
          ) : (
            <>
              <WaitingList commands={shown} around={aroundOf(device, channel)} />
              {count > shown.length && limit < LISTED && (
                <p>
                  <a href="?tab=queue">All {counted(count, 'command')}</a>
                </p>
              )}
              {count > LISTED && limit === LISTED && (
                <Note>
                  The newest {LISTED} of {count} are shown.
                </Note>
              )}
            </>
          )
        }
      </Shown>
    </Section>
  )
}

/** Clears at once what Undo can bring back. It asks only for what nothing brings back. */
function Clear({
  id,
  count,
  listed,
}: {
  readonly id: string
  readonly count: number
  readonly listed: readonly Command[]
}) {
  const isAsked = useSignal(false)
  const loses = useLosing()
  const back = listed.filter((command) => whyNoUndo(command, loses) === undefined)
  const lost = count - back.length
  const close = (): void => {
    isAsked.value = false
  }
  return (
    <>
      <Button
        why={needs('command', may('command'))}
        onClick={() => {
          if (lost === 0) {
            return clearQueue(id, back)
          }
          isAsked.value = true
          return undefined
        }}
      >
        Clear all{lost > 0 && '…'}
      </Button>
      {isAsked.value && (
        <Dialog title={`Cancel ${counted(count, 'command')}`} onClose={close}>
          <p>
            Undo cannot bring back {counted(lost, 'command')} of them: their content is not kept,
            they lose something, or they have a time of their own. {LATE_ANSWER}
          </p>
          <p class="actions">
            <Button
              tone="main"
              onClick={async () => {
                await clearQueue(id, back)
                close()
              }}
            >
              Cancel {counted(count, 'command')}
            </Button>
            <Button onClick={close}>Let them wait</Button>
          </p>
        </Dialog>
      )}
    </>
  )
}

/** What ended last on the device channel. */
export function Latest({ id, limit }: { readonly id: string; readonly limit: number }) {
  const read = useRead(
    '/api/devices/{id}/commands',
    { path: { id }, query: { state: [...ENDED], limit } },
    { each: EACH },
  )
  return (
    <Section title="Latest">
      <Shown read={read} lines={2}>
        {({ items }) =>
          items.length === 0 ? (
            <p class="dim">No command has ended yet.</p>
          ) : (
            <EndedList commands={items} />
          )
        }
      </Shown>
    </Section>
  )
}
