import { send } from '../../../api/call.ts'
import type { Read } from '../../../api/read.ts'
import { may } from '../../../api/session.ts'
import type { AnswerOf, Paths, Schema } from '../../../api/types.ts'
import { Badge, type Tone } from '../../../kit/badge.tsx'
import { Button, needs } from '../../../kit/button.tsx'
import { Section } from '../../../kit/facts.tsx'
import { Empty, Shown } from '../../../kit/states.tsx'
import { Time } from '../../../kit/time.tsx'
import { toast } from '../../../kit/toast.tsx'
import { SETUP_WORDS, SETUP_STEP_WORDS } from '../text.ts'

type Run = Schema<'SetupRun'>
type Step = Schema<'SetupStep'>
type Deed = Schema<'SteerSetupRequest'>['action']

const TONES: Readonly<Record<Step['state'], Tone>> = {
  waiting: 'quiet',
  sent: 'busy',
  watched: 'busy',
  done: 'good',
  skipped: 'quiet',
  failed: 'bad',
  timed_out: 'bad',
}

/** What the device got at its enrolment, and how far that is. */
export function Setup({
  device,
  read,
}: {
  readonly device: Schema<'DeviceDetail'>
  readonly read: Read<AnswerOf<Paths['/api/devices/{id}/setup']['get']>>
}) {
  const steer = async (action: Deed, step?: number): Promise<void> => {
    const answer = await send('post', '/api/devices/{id}/setup', {
      path: { id: device.id },
      body: { action, ...(step !== undefined && { step }) },
    })
    if (!answer.ok) {
      toast({ tone: 'bad', text: answer.fault.detail })
    }
    read.again()
  }
  return (
    <Shown read={read}>
      {({ items }) => (
        <>
          {items.length === 0 && <Empty title="No setup of this device is known" />}
          {items.map((run) => (
            <SetupRunView key={run.run} run={run} steer={steer} />
          ))}
        </>
      )}
    </Shown>
  )
}

function SetupRunView({
  run,
  steer,
}: {
  readonly run: Run
  readonly steer: (action: Deed, step?: number) => Promise<void>
}) {
  const isOpen = run.ended_at === null
  const names = run.blueprints.map(({ name }) => name).join(', ')
  return (
    <Section
      title={`${SETUP_WORDS[run.state]}${names === '' ? '' : `: ${names}`}`}
      actions={
        isOpen &&
        run.awaiting && (
          <Button why={needs('command', may('command'))} onClick={() => steer('release')}>
            Release from Setup Assistant
          </Button>
        )
      }
    >
      <p class="dim">
        Begun <Time at={run.started_at} />
        {run.ended_at === null ? (
          <>
            , its time ends <Time at={run.deadline} />
          </>
        ) : (
          <>
            , ended <Time at={run.ended_at} />
          </>
        )}
      </p>
      <ul class="commands">
        {run.steps.map((step) => (
          <li key={step.step}>
            <span class="what">
              {step.do} <bdi class="dim">{step.subject}</bdi>{' '}
              <Badge tone={TONES[step.state]}>{SETUP_STEP_WORDS[step.state]}</Badge>
            </span>
            <span class="reason">
              <bdi>{step.note}</bdi>
              {step.command_id !== null && (
                <a href={`/console/commands/${encodeURIComponent(step.command_id)}`}>Its command</a>
              )}
            </span>
            <span class="actions">
              {isOpen && step.do === 'hold' && step.state === 'watched' && (
                <Button
                  tone="main"
                  why={needs('command', may('command'))}
                  onClick={() => steer('signal')}
                >
                  Go on
                </Button>
              )}
              {isOpen && (step.state === 'sent' || step.state === 'watched') && (
                <Button
                  why={needs('command', may('command'))}
                  label={`Skip ${step.do}`}
                  onClick={() => steer('skip', step.step)}
                >
                  Skip
                </Button>
              )}
              {(step.state === 'failed' || step.state === 'timed_out') && (
                <Button
                  why={needs('command', may('command'))}
                  label={`Retry ${step.do}`}
                  onClick={() => steer('retry', step.step)}
                >
                  Retry
                </Button>
              )}
            </span>
          </li>
        ))}
      </ul>
    </Section>
  )
}
