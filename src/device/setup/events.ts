import type { SetupTopic } from '../../events/topics.ts'
import { recordOwnEvent } from '../outbox/record.ts'
import { enrollmentOfChannel } from '../store/channel-row.ts'
import { channelOf } from '../store/channels.ts'
import type { Context } from '../store/context.ts'
import type { SetupRun, SetupStep } from '../store/rows/setup.ts'

/** The line of the log: a happening, or an event that somebody has to look at. */
const LINES: Readonly<
  Record<SetupTopic, { readonly happening: string } | { readonly event: string }>
> = {
  'setup.started': { happening: 'setup:started' },
  'setup.step': { event: 'setup:step' },
  'setup.held': { event: 'setup:held' },
  'setup.timed_out': { event: 'setup:timed-out' },
  'setup.released': { happening: 'setup:released' },
  'setup.finished': { happening: 'setup:finished' },
  'setup.none': { happening: 'setup:none' },
}

/** Tells how a run goes. `step`: the event is about this one. `error`: what the device said. */
export function recordSetup(
  context: Context,
  run: SetupRun,
  topic: SetupTopic,
  step?: SetupStep,
  error?: string,
): void {
  const { device } = context.state
  const steps = step ? [step] : run.steps
  const place = step ? `-${run.steps.indexOf(step)}-${step.endedAt}` : ''
  recordOwnEvent(context, {
    id: `${context.name}/setup-${run.run}/${topic}${place}`,
    topic,
    about: {
      enrollment: enrollmentOfChannel(device, channelOf(context, '')),
      params: {},
      setup: {
        run: run.run,
        state: run.state,
        blueprints: run.blueprints.map(({ name }) => name),
        steps: steps.map(({ kind, subject, state, note }) => ({ kind, subject, state, note })),
        ...(error && { error }),
      },
    },
  })
  const line = LINES[topic]
  const detail = {
    device: context.name,
    run: run.run,
    ...(step && { step: step.kind, state: step.state }),
  }
  if ('event' in line) {
    context.effects.notes.push({ ...line, ...detail })
  } else {
    context.effects.happened.push({ event: line.happening, ...detail })
  }
}
