import { z } from '../../zod.ts'
import type { Rule } from '../../../../ddm/manifest/rule.ts'
import { platformWord } from '../../words.ts'

/** The rule of a set, as JSON. */

const MAX_WORDS = 1000
const version = z
  .string()
  .regex(/^\d{1,4}(\.\d{1,4}){0,3}$/, 'has to be a version, such as 26 or 26.1')
const texts = z.array(z.string().min(1).max(200)).min(1).max(MAX_WORDS)

export const ruleSchema = z
  .strictObject({
    platform: z
      .array(platformWord)
      .min(1)
      .nullable()
      .openapi({ description: 'the platform, by the product name' }),
    os_version: version.nullable().openapi({ description: 'a version; 26 also means 26.1' }),
    os_version_from: version.nullable().openapi({ description: 'this version or later' }),
    os_version_below: version.nullable().openapi({ description: 'before this version' }),
    supervised: z
      .boolean()
      .nullable()
      .openapi({ description: 'a managed Mac counts as supervised' }),
    model: texts.nullable().openapi({
      description: 'model, model name or product name, or how they begin: `MacBookAir`',
    }),
    serial_number: texts.nullable().openapi({ description: 'one of these, if it is proven' }),
    channel: z.enum(['device', 'user']).nullable().openapi({
      description: 'whether it takes devices or their users; devices if it is left out',
    }),
  })
  .openapi('SetRule')

/** Each part may be left out. */
export const newRule = ruleSchema.partial()

export function readRule(words: z.output<typeof newRule>): Rule {
  return {
    ...(words.platform && { platform: words.platform }),
    ...(words.os_version && { osVersion: words.os_version }),
    ...(words.os_version_from && { osVersionFrom: words.os_version_from }),
    ...(words.os_version_below && { osVersionBelow: words.os_version_below }),
    ...(typeof words.supervised === 'boolean' && { supervised: words.supervised }),
    ...(words.model && { model: words.model }),
    ...(words.serial_number && { serialNumber: words.serial_number }),
    ...(words.channel === 'user' && { scope: words.channel }),
  }
}

export function ruleJson(rule: Rule): z.input<typeof ruleSchema> {
  return {
    platform: rule.platform?.slice() ?? null,
    os_version: rule.osVersion ?? null,
    os_version_from: rule.osVersionFrom ?? null,
    os_version_below: rule.osVersionBelow ?? null,
    supervised: rule.supervised ?? null,
    model: rule.model?.slice() ?? null,
    serial_number: rule.serialNumber?.slice() ?? null,
    channel: rule.scope === 'user' ? 'user' : 'device',
  }
}
