import { z } from '../zod.ts'
import { isLocalTime } from '../../../ddm/payload/check.ts'
import { UPDATE_WAYS } from '../../../ddm/updates/device.ts'
import { UPDATE_PLATFORMS, type UpdateSetting } from '../../../ddm/updates/policy.ts'
import { UPDATE_STATES } from '../../../ddm/updates/progress.ts'
import { pathId } from '../operation.ts'
import { time } from '../values.ts'

/** Policies of software updates as JSON. In requests, each part may be left out. */

export const EXAMPLE_POLICY = 'macs-26'
export const POLICY_PARAMS = pathId(z.string(), 'its name', EXAMPLE_POLICY)
export const NO_POLICY = { 404: 'no such policy' } as const

const MAX_NAMED = 1000
const version = z
  .string()
  .regex(/^\d{1,4}(\.\d{1,4}){0,3}$/, 'has to be a version, such as 26 or 26.1')
const texts = z.array(z.string().min(1).max(200)).min(1).max(MAX_NAMED)
const deferral = z.int().min(1).max(90).nullable()
const action = z.enum(['Allowed', 'AlwaysOn', 'AlwaysOff']).nullable()

export const updatePlatform = z.enum(UPDATE_PLATFORMS).openapi('UpdatePlatform')
export const updateState = z.enum(UPDATE_STATES).openapi('UpdateState')
export const updateWay = z.enum(UPDATE_WAYS).openapi('UpdateWay')

const target = z.strictObject({
  version: version.nullable().openapi({ description: 'exactly this version' }),
  build: z
    .string()
    .regex(/^[0-9A-Za-z]{1,20}$/, 'has to be a build, such as 25C56')
    .nullable()
    .openapi({ description: 'exactly this build of the version' }),
  newest: z.boolean().openapi({ description: 'the newest version of the list of OS versions' }),
  older_than_days: z.int().min(1).max(365).nullable().openapi({
    description: 'of those alone that were released before so many days',
  }),
  major: z.int().min(1).max(999).nullable().openapi({
    description: 'of those alone whose version begins with this number',
  }),
})

const deadline = z.strictObject({
  local: z
    .string()
    .refine(isLocalTime, {
      error:
        'has to be a time as 2026-12-10T19:00:00, without time zone and fraction: it is the local time of ' +
        'each device',
    })
    .nullable()
    .openapi({ description: 'in the local time of each device: 2026-12-10T19:00:00' }),
  days_after_release: z.int().min(0).max(365).nullable().openapi({
    description: 'and at least two days after the server has chosen the version',
  }),
  time: z
    .string()
    .regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'has to be a time of day, such as 19:00')
    .nullable()
    .openapi({ description: 'the local time on that day' }),
})

const rule = z
  .strictObject({
    os_version: version.nullable().openapi({ description: 'a version; 26 also means 26.1' }),
    os_version_from: version.nullable().openapi({ description: 'this version or later' }),
    os_version_below: version.nullable().openapi({ description: 'before this version' }),
    model: texts.nullable().openapi({
      description: 'model, model name or product name, or how they begin: `MacBookAir`',
    }),
    serial_number: texts.nullable().openapi({ description: 'one of these, proven' }),
  })
  .openapi('UpdateRule', { description: 'a device has to match all parts' })

const settingShape = {
  notifications: z
    .boolean()
    .nullable()
    .openapi({ description: '`false`: only the last hour and the countdown' }),
  combined_deferral_days: deferral.openapi({
    description: 'iOS, iPadOS, tvOS, visionOS: how long users do not see a new version',
  }),
  major_deferral_days: deferral.openapi({ description: 'macOS' }),
  minor_deferral_days: deferral.openapi({ description: 'macOS' }),
  system_deferral_days: deferral.openapi({ description: 'macOS: other than OS versions' }),
  automatic_download: action.openapi({ description: 'whether users may choose it' }),
  automatic_install: action.openapi({ description: 'of OS versions' }),
  automatic_security_install: action.openapi({ description: 'macOS: of security updates' }),
  rapid_security_response: z.boolean().nullable().openapi({
    description: 'whether Background Security Improvements are installed by themselves',
  }),
  rapid_security_response_rollback: z
    .boolean()
    .nullable()
    .openapi({ description: 'whether users may remove them' }),
  standard_users_may_update: z.boolean().nullable().openapi({ description: 'macOS' }),
  recommended_cadence: z.enum(['All', 'Oldest', 'Newest']).nullable().openapi({
    description: 'iOS, iPadOS, visionOS: which of two offered versions users see',
  }),
} satisfies Record<UpdateSetting, z.ZodType>

const settings = z
  .strictObject(settingShape)
  .openapi('UpdateSettings', { description: 'Apple’s `SoftwareUpdateSettings`' })

const platforms = z
  .array(updatePlatform)
  .min(1)
  .transform((list) => UPDATE_PLATFORMS.filter((one) => list.includes(one)))

const common = {
  set: z.string().nullable().openapi({ description: 'only devices that were put into this set' }),
  details_url: z.url().max(2000).nullable().openapi({ description: 'users can open it' }),
}

export const newPolicySchema = z.strictObject({
  platforms: platforms.openapi({ description: 'the devices that it is for' }),
  rule: rule.partial().optional().openapi({ description: 'which of them; all, if left out' }),
  set: common.set.optional(),
  target: target
    .partial()
    .nullish()
    .openapi({ description: '`version`, or `newest`; without one only settings are in force' }),
  deadline: deadline
    .partial()
    .nullish()
    .openapi({ description: '`local`, or `days_after_release` and `time`' }),
  details_url: common.details_url.optional(),
  settings: settings.partial().optional().openapi({ description: 'what users may choose' }),
})
export type NewPolicy = z.output<typeof newPolicySchema>

export const POLICY_REQUESTS: Record<string, z.input<typeof newPolicySchema>> = {
  version: {
    platforms: ['macOS'],
    target: { version: '26.2' },
    deadline: { local: '2026-12-10T19:00:00' },
    details_url: 'https://it.example.com/update',
  },
  newest: {
    platforms: ['iOS', 'iPadOS'],
    rule: { model: ['iPhone', 'iPad14'], os_version_from: '18' },
    target: { newest: true, older_than_days: 14, major: 26 },
    deadline: { days_after_release: 28, time: '19:00' },
  },
  settings: {
    platforms: ['macOS', 'iOS'],
    set: 'pilot',
    settings: {
      minor_deferral_days: 14,
      combined_deferral_days: 14,
      rapid_security_response: true,
      rapid_security_response_rollback: false,
    },
  },
}

export const policySchema = z
  .object({
    id: z.string().openapi({ description: 'its name' }),
    platforms: z.array(updatePlatform),
    rule,
    ...common,
    target: target.nullable(),
    deadline: deadline.nullable(),
    settings,
    chosen: z
      .array(
        z.object({
          platform: updatePlatform,
          version: z.string(),
          build: z.string().nullable(),
          deadline: z.string().openapi({ description: 'in the local time of each device' }),
          first_at: time.openapi({ description: 'when the deadline comes in the first time zone' }),
          last_at: time.openapi({ description: 'and in the last one' }),
          chosen_at: time,
          withdrawn: z
            .string()
            .nullable()
            .openapi({ description: 'why devices are not asked for it any more' }),
        }),
      )
      .openapi({ description: 'what devices are to install now' }),
    declarations: z.array(z.string()),
    changed_at: time,
  })
  .openapi('SoftwareUpdate')

const count = z.int()
const counts = (words: readonly string[]) =>
  z.object(Object.fromEntries(words.map((word) => [word, count])))

export const policyDetailSchema = policySchema
  .extend({
    warnings: z.array(z.string()),
    progress: z
      .object({
        devices: count,
        ways: counts(UPDATE_WAYS),
        states: counts(UPDATE_STATES),
        overdue: count.openapi({ description: 'not there, and past the deadline in every zone' }),
        reasons: z
          .array(z.object({ state: updateState, reason: z.string(), count }))
          .openapi({ description: 'of `failed` and `not-applied`, the most frequent ones first' }),
      })
      .nullable()
      .openapi({ description: 'null without a target' }),
  })
  .openapi('SoftwareUpdateDetail')

const NO_SETTINGS: z.input<typeof settings> = {
  notifications: null,
  combined_deferral_days: null,
  major_deferral_days: null,
  minor_deferral_days: null,
  system_deferral_days: null,
  automatic_download: null,
  automatic_install: null,
  automatic_security_install: null,
  rapid_security_response: null,
  rapid_security_response_rollback: null,
  standard_users_may_update: null,
  recommended_cadence: null,
}

const NO_RULE: z.input<typeof rule> = {
  os_version: null,
  os_version_from: null,
  os_version_below: null,
  model: null,
  serial_number: null,
}
export const NOTHING = {
  rule: NO_RULE,
  settings: NO_SETTINGS,
  target: { version: null, build: null, newest: false, older_than_days: null, major: null },
  deadline: { local: null, days_after_release: null, time: null },
} as const

export const POLICY_EXAMPLE: z.input<typeof policySchema> = {
  id: EXAMPLE_POLICY,
  platforms: ['macOS'],
  rule: NO_RULE,
  set: null,
  details_url: 'https://it.example.com/update',
  target: { ...NOTHING.target, version: '26.2' },
  deadline: { ...NOTHING.deadline, local: '2026-12-10T19:00:00' },
  settings: { ...NO_SETTINGS, notifications: true },
  chosen: [
    {
      platform: 'macOS',
      version: '26.2',
      build: null,
      deadline: '2026-12-10T19:00:00',
      first_at: '2026-12-10T05:00:00.000Z',
      last_at: '2026-12-11T07:00:00.000Z',
      chosen_at: '2026-12-01T09:00:00.000Z',
      withdrawn: null,
    },
  ],
  declarations: ['enforcement', 'settings', 'activation'].map(
    (kind) => `edgemdm.update.${EXAMPLE_POLICY}.macOS.${kind}`,
  ),
  changed_at: '2026-12-01T09:00:00.000Z',
}

export const POLICY_DETAIL_EXAMPLE: z.input<typeof policyDetailSchema> = {
  ...POLICY_EXAMPLE,
  warnings: [],
  progress: {
    devices: 510,
    ways: { declaration: 508, command: 2, none: 0 },
    states: {
      ...Object.fromEntries(UPDATE_STATES.map((state) => [state, 0])),
      reached: 410,
      failed: 4,
      scheduled: 96,
    },
    overdue: 0,
    reasons: [{ state: 'failed', reason: 'not enough space', count: 4 }],
  },
}
