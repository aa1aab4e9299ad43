/** What Apple answers for each device of a call. */
import { z } from '../zod.ts'
import { answer } from '../operation.ts'

export const outcomeWord = z
  .enum(['success', 'not_accessible', 'failed', 'throttled'])
  .openapi('DepOutcome', {
    description:
      'Apple’s word in small letters. `not_accessible`: no device of the account. `failed`: also a device ' +
      'that Apple left out. `throttled`: Apple delays the device',
  })

export const outcomesSchema = z.array(
  z.object({ id: z.string().openapi({ description: 'the serial number' }), outcome: outcomeWord }),
)

export const outcomesAnswer = answer(
  'Apple’s answer for each device',
  z.object({ outcomes: outcomesSchema }),
  { outcomes: [{ id: 'C02ADE000001', outcome: 'success' }] },
)

export function outcomesJson(
  devices: Readonly<Record<string, string>>,
): z.input<typeof outcomesSchema> {
  return Object.entries(devices).map(([id, word]) => ({
    id,
    outcome: outcomeWord.options.find((known) => known === word.toLowerCase()) ?? 'failed',
  }))
}
