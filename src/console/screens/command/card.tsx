import { useRef } from 'preact/hooks'
import { send } from '../../api/call.ts'
import { changed } from '../../api/read.ts'
import { may } from '../../api/session.ts'
import { NO_FACTS } from '../../composer/facts.ts'
import { AT_ONCE, NEXT } from '../../composer/presets.ts'
import { go } from '../../place/router.ts'
import { Badge } from '../../kit/badge.tsx'
import { Button, needs } from '../../kit/button.tsx'
import { COMMAND_STATES, HELD_WORDS, LATE_ANSWER } from '../../api/command-words.ts'
import { Time } from '../../kit/time.tsx'
import { Note } from '../../kit/states.tsx'
import { toast } from '../../kit/toast.tsx'
import { serverNow } from '../../time/clock.ts'
import { deedOf } from '../composer/text.ts'
import { composeAgain } from '../device/deeds.ts'
import { Queuer } from '../device/queuer.tsx'
import { askedAgain } from '../device/undo.ts'
import { AnswerView } from './answer.tsx'
import { useLosing } from './losing.ts'
import { CommandSecrets } from './secrets.tsx'
import { Timeline } from './timeline.tsx'
import type { CommandDetail } from './use-command.ts'

/** A command: where it stands, its steps, and the answer. */
export function CommandCard({ of: command }: { readonly of: CommandDetail }) {
  const [tone, word] = COMMAND_STATES[command.state]
  const state = useRef<HTMLParagraphElement>(null)
  return (
    <article class="command-card" aria-label={command.request_type}>
      <header class="bar">
        <p class="state" role="status" tabIndex={-1} ref={state}>
          <Badge tone={tone}>{word}</Badge> <By of={command} />
        </p>
        <Actions
          of={command}
          onCancelled={() => {
            state.current?.focus()
          }}
        />
      </header>
      {command.held_for !== null && <Note tone="warn">{HELD_WORDS[command.held_for]}.</Note>}
      <Timeline of={command.timeline} />
      <Terms of={command} />
      <AnswerView of={command} />
      {command.secrets.length > 0 && <CommandSecrets id={command.id} names={command.secrets} />}
      <Next of={command} />
    </article>
  )
}

function By({ of: { queued_by: by, queued_at: at } }: { readonly of: CommandDetail }) {
  return (
    <span class="dim">
      queued <Time at={at} />
      <Queuer of={by} />
      {typeof by?.job_id === 'string' && (
        <>
          {' in '}
          <a href={`/console/jobs/${encodeURIComponent(by.job_id)}`}>a job</a>
        </>
      )}
    </span>
  )
}

function Terms({ of: { not_before: from, expires_at: until } }: { readonly of: CommandDetail }) {
  return from === null && until === null ? null : (
    <p class="dim">
      {from !== null && (
        <>
          Not before <Time at={from} />.{' '}
        </>
      )}
      {until !== null && (
        <>
          Expires <Time at={until} />.
        </>
      )}
    </p>
  )
}

function Actions({
  of: command,
  onCancelled,
}: {
  readonly of: CommandDetail
  /** The button goes with the next state, and the focus must not go with it. */
  readonly onCancelled: () => void
}) {
  const { id, ended_at: ended, state } = command
  const isAsked = askedAgain(command, useLosing(), serverNow()) !== undefined
  const why = needs('command', may('command'))
  if (ended === null) {
    return (
      <Button
        why={why}
        onClick={async () => {
          await cancelCommandOf(id)
          onCancelled()
        }}
      >
        Cancel
      </Button>
    )
  }
  return (
    <div class="actions">
      {command.repeatable && state !== 'acknowledged' && !isAsked && (
        <Button why={why} onClick={() => retry(id)}>
          Retry
        </Button>
      )}
      <a class="button" href={composeAgain(command)}>
        {command.repeatable && state !== 'acknowledged' && isAsked ? 'Retry…' : 'Again…'}
      </a>
    </div>
  )
}

/** Takes a command back that waits. */
export async function cancelCommandOf(id: string): Promise<void> {
  const answer = await send('delete', '/api/commands/{id}', { path: { id } })
  toast(
    answer.ok
      ? { text: `Cancelled. ${answer.value.hand_outs > 0 ? LATE_ANSWER : ''}` }
      : { text: answer.fault.detail, tone: 'bad' },
  )
  changed('/api/commands/')
  changed('/api/devices')
}

async function retry(id: string): Promise<void> {
  const answer = await send('post', '/api/commands/{id}/retry', { path: { id } })
  if (answer.ok) {
    go(`/console/commands/${encodeURIComponent(answer.value.id)}`)
  } else {
    toast({ text: answer.fault.detail, tone: 'bad' })
  }
}

/** Sends a command that needs nothing more to be said. */
async function ask(id: string, type: string): Promise<void> {
  const answer = await send('post', '/api/devices/{id}/commands', {
    path: { id },
    body: { Command: { RequestType: type } },
  })
  if (answer.ok) {
    changed(`/api/devices/${encodeURIComponent(id)}`)
    go(`/console/commands/${encodeURIComponent(answer.value.id)}`)
  } else {
    toast({ text: answer.fault.detail, tone: 'bad' })
  }
}

function Next({
  of: { state, request_type: type, enrollment_id: device },
}: {
  readonly of: CommandDetail
}) {
  const next = NEXT[type]
  return state === 'acknowledged' && next ? (
    <nav class="actions" aria-label="What comes next">
      {next.map((name) =>
        AT_ONCE.has(name) ? (
          <Button
            key={name}
            why={needs('command', may('command'))}
            onClick={() => ask(device, name)}
          >
            {deedOf(name, NO_FACTS, undefined, name)}
          </Button>
        ) : (
          <a
            key={name}
            class="button"
            href={`/console/devices/${encodeURIComponent(device)}/command/${name}`}
          >
            {deedOf(name, NO_FACTS, undefined, name)}
          </a>
        ),
      )}
    </nav>
  ) : null
}
