import { useSignal } from '@preact/signals'
import { may } from '../../../api/session.ts'
import type { Schema } from '../../../api/types.ts'
import { Badge } from '../../../kit/badge.tsx'
import { Button, needs } from '../../../kit/button.tsx'
import { Dialog } from '../../../kit/dialog.tsx'
import { Time } from '../../../kit/time.tsx'
import { serverNow } from '../../../time/clock.ts'
import { useLosing } from '../../command/losing.ts'
import { ActionLink } from '../action-link.tsx'
import { Queuer } from '../queuer.tsx'
import { askedAgain } from '../undo.ts'
import { cancelCommand, composeAgain, releaseCommand, retryAll } from '../deeds.ts'
import { COMMAND_STATES } from '../../../api/command-words.ts'
import { whyItWaits, type Around } from '../waits.ts'

type Command = Schema<'Command'>
type Device = Schema<'DeviceDetail'>

export const WAITING = ['held', 'queued', 'sent', 'not_now', 'stalled'] as const
export const ENDED = [
  'acknowledged',
  'error',
  'format_error',
  'cancelled',
  'expired',
  'superseded',
] as const

/** What `whyItWaits` needs to know of the channel of a command. */
export function aroundOf(device: Device, channel: Device['channels'][number] | undefined): Around {
  return {
    state: device.state,
    push: channel?.push_state ?? 'none',
    pushReason: channel?.push_reason ?? null,
    nextPush: channel?.queue.next_push_at ?? null,
    now: serverNow(),
  }
}

/** Commands that wait: what, why, and what ends it. */
export function WaitingList({
  commands,
  around,
}: {
  readonly commands: readonly Command[]
  readonly around: Around
}) {
  const loses = useLosing()
  return (
    <ul class="commands">
      {commands.map((command) => (
        <li key={command.id}>
          <Line command={command} />
          <span class="reason">
            {whyItWaits(command, around)}. <By command={command} />
          </span>
          <span class="actions">
            {command.held_for !== null && <Release command={command} />}
            <Button
              why={needs('command', may('command'))}
              label={`Cancel ${command.request_type}`}
              onClick={() => cancelCommand(command, loses)}
            >
              Cancel
            </Button>
          </span>
        </li>
      ))}
    </ul>
  )
}

/** Commands that have ended. What was not carried out can be queued once more. */
export function EndedList({ commands }: { readonly commands: readonly Command[] }) {
  const loses = useLosing()
  return (
    <ul class="commands ended">
      {commands.map((command) => (
        <li key={command.id}>
          <Line command={command} />
          <span class="reason">
            <Time at={command.ended_at} /> <By command={command} />
          </span>
          <span class="actions">
            {command.repeatable && command.state !== 'acknowledged' && (
              <Retry command={command} scope={askedAgain(command, loses, serverNow())} />
            )}
          </span>
        </li>
      ))}
    </ul>
  )
}

/** @param scope of a command that goes through its form */
function Retry({
  command,
  scope,
}: {
  readonly command: Command
  readonly scope: ReturnType<typeof askedAgain>
}) {
  return scope ? (
    <ActionLink to={composeAgain(command)} scope={scope}>
      Retry <span class="unseen">{command.request_type}</span>…
    </ActionLink>
  ) : (
    <Button
      why={needs('command', may('command'))}
      label={`Retry ${command.request_type}`}
      onClick={() => retryAll([command])}
    >
      Retry
    </Button>
  )
}

function Line({ command: { id, request_type: type, state } }: { readonly command: Command }) {
  const [tone, word] = COMMAND_STATES[state]
  return (
    <span class="what">
      <a href={`/console/commands/${encodeURIComponent(id)}`}>
        <span class="dim">#{id.slice(id.lastIndexOf('.') + 1)}</span> {type}
      </a>{' '}
      <Badge tone={tone}>{word}</Badge>
    </span>
  )
}

function By({ command: { queued_by: by, queued_at: at } }: { readonly command: Command }) {
  return (
    <span class="dim">
      Queued <Time at={at} />
      <Queuer of={by} />
    </span>
  )
}

/** What is held may lose data: it says what goes out before it goes. */
function Release({ command }: { readonly command: Command }) {
  const isAsked = useSignal(false)
  const close = (): void => {
    isAsked.value = false
  }
  return (
    <>
      <Button
        why={needs('destructive', may('destructive'))}
        label={`Release ${command.request_type}`}
        onClick={() => {
          isAsked.value = true
        }}
      >
        Release…
      </Button>
      {isAsked.value && (
        <Dialog title={`Release ${command.request_type}`} onClose={close}>
          <p>The device gets the command as soon as it connects, and may carry it out at once.</p>
          <p class="actions">
            <Button
              tone="main"
              onClick={async () => {
                await releaseCommand(command)
                close()
              }}
            >
              Release
            </Button>
            <Button onClick={close}>Keep it held</Button>
          </p>
        </Dialog>
      )}
    </>
  )
}
