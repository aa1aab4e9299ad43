import { z } from '../zod.ts'
import { GROUPS } from '../../../command-types/groups.ts'
import { platformWord } from '../words.ts'

/** A command type in a list, and in detail. */

const keyThere = z
  .object({
    platform: platformWord.openapi({ description: 'the platform; `iOS` also means iPadOS' }),
    since: z.string().openapi({ description: 'the first version' }),
    deprecated: z
      .string()
      .optional()
      .openapi({ description: 'the version that advises against it' }),
    removed: z.string().optional().openapi({ description: 'the version that no longer has it' }),
    supervised: z.boolean().optional().openapi({ description: 'the device has to be supervised' }),
  })
  .openapi('KeyAvailability')

const channels = z.array(z.enum(['device', 'user']))
const there = keyThere
  .extend({
    channels,
    shared_ipad: channels.openapi({ description: 'the channels of a Shared iPad' }),
    user_enrollment: z.boolean().openapi({ description: 'also under a User Enrollment' }),
    automated_enrollment: z
      .boolean()
      .openapi({ description: 'the device has to have come by Automated Device Enrolment' }),
  })
  .openapi('CommandAvailability')

export const typeSummary = z
  .object({
    request_type: z.string(),
    group: z.enum(GROUPS),
    description: z.string().openapi({ description: 'what the device does' }),
    loses: z
      .string()
      .nullable()
      .openapi({ description: 'what the device or its user loses by it; null if nothing' }),
    secret: z.boolean().openapi({ description: 'command or answer hold a secret, and are sealed' }),
    destructive: z.boolean().openapi({ description: 'needs the scope `destructive`' }),
    replacement: z.string().nullable().openapi({ description: 'its successor, if it was removed' }),
    availability: z.array(there),
  })
  .openapi('CommandTypeSummary')

const keyValue = z.object({
  value: z.string().or(z.number()).or(z.boolean()),
  availability: z.array(keyThere).optional(),
  replacement: z.string().optional(),
})

const TYPE = 'Apple’s type: string, boolean, integer, data, array or dictionary'
const inner = z.record(z.string(), z.unknown())

const typeKey = z
  .object({
    key: z.string(),
    type: z.string().openapi({ description: TYPE }),
    title: z.string().openapi({ description: 'the key in words' }),
    description: z.string().optional(),
    required: z.boolean().optional(),
    may_be_empty: z.boolean().optional().openapi({ description: 'empty has a meaning' }),
    secret: z
      .boolean()
      .optional()
      .openapi({ description: 'a PIN, password, token or private key' }),
    length: z.int().optional().openapi({ description: 'how many characters it has' }),
    minimum: z.number().optional(),
    maximum: z.number().optional(),
    default: keyValue.shape.value.optional(),
    values: z.array(keyValue).optional().openapi({ description: 'the values that it may have' }),
    availability: z
      .array(keyThere)
      .optional()
      .openapi({ description: 'left out if it exists wherever its command exists' }),
    keys: z.array(inner).optional().openapi({ description: 'keys of a dictionary, in this form' }),
    item: inner.optional().openapi({ description: 'an item of an array, in this form' }),
    kinds: z
      .array(inner)
      .optional()
      .openapi({ description: 'the dictionaries that `Settings` may hold, each with its `item`' }),
    any_keys: z.boolean().optional().openapi({ description: 'the keys inside are an app’s own' }),
  })
  .openapi('CommandKey')

export const commandTypeSchema = typeSummary
  .extend({
    one_of: z.array(z.string()).openapi({ description: 'of these keys at least one is needed' }),
    keys: z.array(typeKey),
  })
  .openapi('CommandType')

const EVERYWHERE = {
  since: '10.7',
  channels: ['device' as const],
  shared_ipad: [],
  user_enrollment: false,
  automated_enrollment: false,
}

export const SUMMARY_EXAMPLE: z.input<typeof typeSummary> = {
  request_type: 'DeviceLock',
  group: 'Lock and erase',
  description: 'Locks the device at once. A Mac restarts and asks for the PIN.',
  loses: 'The device, until it is unlocked: a Mac by the PIN, others by their passcode.',
  secret: true,
  destructive: true,
  replacement: null,
  availability: [{ platform: 'macOS', ...EVERYWHERE }],
}

export const TYPE_EXAMPLE: z.input<typeof commandTypeSchema> = {
  ...SUMMARY_EXAMPLE,
  one_of: [],
  keys: [
    {
      key: 'PIN',
      type: 'string',
      title: 'PIN',
      description: 'six digits; a Mac asks for them',
      secret: true,
      length: 6,
      availability: [{ platform: 'macOS', since: '10.8' }],
    },
  ],
}
