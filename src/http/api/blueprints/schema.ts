import { z } from '../zod.ts'
import { BLUEPRINT_DEFAULTS, MAX_BLUEPRINT_STEPS, TIME_LIMIT_S } from '../../../blueprints/check.ts'
import { STEP_TIMEOUT_S } from '../../../blueprints/step-faults.ts'
import { pathId } from '../operation.ts'
import { time } from '../values.ts'
import { platformWord } from '../words.ts'

/** Blueprints as JSON: docs/blueprints.md. Steps say only what an admin has said. */

export const BLUEPRINT_EXAMPLE_ID = '6f1d3a0c-9d3e-4f65-8d5c-2b7f0f1f8a11'
export const BLUEPRINT_PARAMS = pathId(z.string(), 'its id: MicroMDM’s uuid', BLUEPRINT_EXAMPLE_ID)
export const NO_BLUEPRINT = { 404: 'no blueprint has this id' } as const

const texts = (description: string) => z.array(z.string()).optional().openapi({ description })

const device = {
  platform: z.array(platformWord).optional().openapi({ description: 'one of these' }),
  os: z.string().optional().openapi({ description: 'a range of versions: `>=14`, `<15`, `14.2`' }),
  model: texts('model, model name or product name; `*` stands for any characters'),
}

const when = z
  .strictObject(device)
  .openapi('StepCondition', { description: 'the step is for these devices alone' })

const match = z
  .strictObject({
    ...device,
    param: z.record(z.string(), z.string()).optional().openapi({
      description:
        'parameters of the URL that the device enrolled with: the person who holds the link chooses them',
    }),
    serial: texts('serial numbers; `*` stands for any characters'),
    dep_profile: texts('names or ids of profiles that Apple gives the device'),
    account: texts('accounts that list the device: id, server uuid or server name'),
    enrollment: z
      .array(z.enum(['ade', 'manual']))
      .optional()
      .openapi({
        description: '`ade`: an account lists the device',
      }),
  })
  .openapi('BlueprintMatch', {
    description:
      'each given condition has to hold. Those about the serial number, and `ade`, hold only for devices ' +
      'that have proven it',
  })

const primary = z
  .strictObject({
    full_name: z.string().optional().openapi({ description: 'what its full name begins as' }),
    user_name: z.string().optional().openapi({ description: 'what its short name begins as' }),
    lock: z.boolean().optional().openapi({ description: 'users cannot change the two names' }),
  })
  .openapi('PrimaryAccount', { description: 'account: the one that Setup Assistant makes' })

const step = z
  .strictObject({
    do: z
      .enum(['profile', 'package', 'app', 'declarations', 'account', 'command', 'hold', 'release'])
      .openapi({ description: 'the kind of step' }),
    required: z.boolean().optional().openapi({
      description: 'without its success, `if_required_ok` does not release the device',
    }),
    timeout_s: z
      .int()
      .optional()
      .openapi({
        description:
          `${STEP_TIMEOUT_S.least} to ${STEP_TIMEOUT_S.most} seconds; usually 300, for declarations ` +
          '60, for a hold the time limit',
      }),
    when: when.optional(),
    id: z.string().optional().openapi({ description: 'profile: the id of a stored profile' }),
    manifest: z.string().optional().openapi({
      description: 'package: the URL of its manifest, or its path here: `/repo/agent.plist`',
    }),
    itunes_store_id: z
      .int()
      .optional()
      .openapi({ description: 'app: its number in the App Store' }),
    identifier: z.string().optional().openapi({
      description: 'package, app: the bundle id that `installed` looks for',
    }),
    wait: z.enum(['ack', 'installed', 'valid']).optional().openapi({
      description:
        '`ack` for the answer to the command; package, app: `installed`; declarations: `valid`',
    }),
    of: texts('declarations: the identifiers to wait for; all, if left out'),
    admin: z.string().optional().openapi({ description: 'account: the id of a setup user' }),
    skip_primary: z.boolean().optional().openapi({
      description: 'account: Setup Assistant makes no other account',
    }),
    regular_user: z.boolean().optional().openapi({
      description: 'account: the other account is no administrator',
    }),
    primary: primary.optional(),
    command: z.record(z.string(), z.unknown()).optional().openapi({
      type: 'object',
      additionalProperties: true,
      description:
        'command: as queueCommand takes it; texts can have variables: `${serial_number}`',
    }),
  })
  .openapi('BlueprintStep', {
    description: 'what the device is to get; each kind has keys of its own',
  })

const settings = {
  name: z.string().openapi({ description: 'its name, which no other blueprint has' }),
  apply_at: z.array(z.string()).openapi({
    description: 'MicroMDM’s: without `Enroll` no device gets the blueprint',
  }),
  match,
  priority: z.int().openapi({ description: 'the steps of the greatest come first' }),
  time_limit_s: z.int().openapi({
    description: `${TIME_LIMIT_S.least} to ${TIME_LIMIT_S.most} seconds for all steps`,
  }),
  release: z.enum(['always', 'if_required_ok', 'manual']).openapi({
    description: 'whether the device leaves Setup Assistant at the end by itself',
  }),
  reenroll: z.enum(['same', 'changed', 'never']).openapi({
    description: 'what a device gets that enrols again without Setup Assistant',
  }),
  steps: z.array(step).openapi({
    description: `up to ${MAX_BLUEPRINT_STEPS}, in their order`,
  }),
}

export const newBlueprintSchema = z.strictObject({
  ...settings,
  apply_at: settings.apply_at.default(['Enroll']),
  match: settings.match.default(BLUEPRINT_DEFAULTS.match),
  priority: settings.priority.default(BLUEPRINT_DEFAULTS.priority),
  time_limit_s: settings.time_limit_s.default(BLUEPRINT_DEFAULTS.time_limit_s),
  release: settings.release.default(BLUEPRINT_DEFAULTS.release),
  reenroll: settings.reenroll.default(BLUEPRINT_DEFAULTS.reenroll),
})

/** What an admin did not say is not there: answers with a fixed form would have dozens of nulls. */
const asSent = z
  .record(z.string(), z.unknown())
  .openapi({ type: 'object', additionalProperties: true, description: 'as in putBlueprint' })

export const blueprintSchema = z
  .object({
    id: z.string(),
    ...settings,
    match: asSent,
    steps: z.array(asSent),
    version: z.int().openapi({ description: 'rises with each change' }),
    changed_at: time,
  })
  .openapi('Blueprint')

export const blueprintDetailSchema = blueprintSchema
  .extend({
    warnings: z.array(z.string()).openapi({ description: 'what is stored, and may not be meant' }),
  })
  .openapi('BlueprintDetail')

export const BLUEPRINT_PUT_EXAMPLES: Record<string, z.input<typeof newBlueprintSchema>> = {
  simple: { name: 'All devices', steps: [{ do: 'profile', id: 'com.example.trust' }] },
  staff: {
    name: 'Staff Macs',
    match: { platform: ['macOS'], os: '>=14', dep_profile: ['Staff'] },
    priority: 10,
    time_limit_s: 1200,
    release: 'if_required_ok',
    reenroll: 'changed',
    steps: [
      { do: 'profile', id: 'com.example.trust', required: true },
      {
        do: 'package',
        manifest: 'https://files.example.com/agent.plist',
        wait: 'installed',
        identifier: 'com.example.agent',
        timeout_s: 600,
      },
      { do: 'app', itunes_store_id: 361309726, when: { model: ['MacBook*'] } },
      { do: 'declarations', wait: 'valid', of: ['com.example.passcode'] },
      {
        do: 'account',
        admin: 'admin',
        regular_user: true,
        primary: { full_name: 'Staff', user_name: 'staff', lock: true },
      },
      {
        do: 'command',
        command: {
          request_type: 'Settings',
          settings: [{ item: 'DeviceName', device_name: 'M-${serial_number}' }],
        },
      },
      { do: 'release' },
    ],
  },
}

export const BLUEPRINT_EXAMPLE: z.input<typeof blueprintSchema> = {
  id: BLUEPRINT_EXAMPLE_ID,
  name: 'All devices',
  apply_at: ['Enroll'],
  match: { platform: ['macOS'] },
  priority: 0,
  time_limit_s: 900,
  release: 'always',
  reenroll: 'same',
  steps: [{ do: 'profile', id: 'com.example.trust', required: true }],
  version: 1,
  changed_at: '2026-11-28T09:00:00Z',
}
