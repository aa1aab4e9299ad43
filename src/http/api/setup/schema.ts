import { z } from '../zod.ts'
import type { SetupRun, SetupStep } from '../../../device/store/rows/setup.ts'
import { atOrNull, iso, textOrNull, time } from '../values.ts'

const stepSchema = z
  .object({
    step: z.int().openapi({ description: 'its number, from 0' }),
    do: z.string(),
    subject: z.string().nullable().openapi({
      description: 'what it is about: an identifier, an address, a request type',
    }),
    required: z.boolean(),
    state: z
      .enum(['waiting', 'sent', 'watched', 'done', 'skipped', 'failed', 'timed_out'])
      .openapi({
        description:
          '`waiting`: its turn has not come. `sent`: its command waits for the device. `watched`: what it ' +
          'brings is not there yet',
      }),
    note: z.string().nullable().openapi({ description: 'why it has not succeeded' }),
    command_id: z.string().nullable(),
    started_at: time.nullable(),
    due_at: time.nullable(),
    ended_at: time.nullable(),
  })
  .openapi('SetupStep')

export const runSchema = z
  .object({
    run: z.int().openapi({ description: 'its number within the device' }),
    state: z
      .enum([
        'pending',
        'running',
        'held',
        'releasing',
        'released',
        'finished',
        'none',
        'superseded',
      ])
      .openapi({
        description:
          '`pending`: the blueprints are not read yet. `held`: an admin has to release the device. ' +
          '`releasing`: the device has not answered DeviceConfigured yet. `finished`: the device did not ' +
          'wait in Setup Assistant. `none`: no blueprint is for it. `superseded`: it enrolled again, or left',
      }),
    awaiting: z.boolean().openapi({ description: 'whether the device waits in Setup Assistant' }),
    started_at: time,
    deadline: time,
    seconds_left: z
      .int()
      .nullable()
      .openapi({ description: 'until its time limit; null when over' }),
    ended_at: time.nullable(),
    blueprints: z.array(z.object({ id: z.string(), name: z.string(), version: z.int() })),
    steps: z.array(stepSchema),
  })
  .openapi('SetupRun')

export const RUN_EXAMPLE: z.input<typeof runSchema> = {
  run: 1,
  state: 'running',
  awaiting: true,
  started_at: '2026-11-29T09:00:00.000Z',
  deadline: '2026-11-29T09:15:00.000Z',
  seconds_left: 840,
  ended_at: null,
  blueprints: [{ id: '2c5f0d4e-3b1a-4f67-9e8d-1a2b3c4d5e6f', name: 'Staff Mac', version: 3 }],
  steps: [
    {
      step: 0,
      do: 'profile',
      subject: 'com.example.trust',
      required: true,
      state: 'sent',
      note: null,
      command_id: 'E0B7A5F2-6C1D-4C57-9F0B-3C5C5D7A9E01.1',
      started_at: '2026-11-29T09:00:01.000Z',
      due_at: '2026-11-29T09:01:01.000Z',
      ended_at: null,
    },
  ],
}

export function runJson(id: string, run: SetupRun, now: number): z.input<typeof runSchema> {
  return {
    run: run.run,
    state: run.state,
    awaiting: run.awaiting,
    started_at: iso(run.startedAt),
    deadline: iso(run.deadline),
    seconds_left: run.endedAt === 0 ? Math.max(0, Math.round((run.deadline - now) / 1000)) : null,
    ended_at: atOrNull(run.endedAt),
    blueprints: run.blueprints.map(({ uuid, name, version }) => ({ id: uuid, name, version })),
    steps: run.steps.map((step, n) => stepJson(id, step, n)),
  }
}

function stepJson(id: string, step: SetupStep, n: number): z.input<typeof stepSchema> {
  const { kind, subject, required, state, note, entry } = step
  return {
    step: n,
    do: kind,
    subject: textOrNull(subject),
    required,
    state,
    note: textOrNull(note),
    command_id: entry === undefined ? null : `${id}.${entry}`,
    started_at: atOrNull(step.startedAt),
    due_at: atOrNull(step.dueAt),
    ended_at: atOrNull(step.endedAt),
  }
}
