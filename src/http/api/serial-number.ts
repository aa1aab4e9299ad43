import { z } from '@hono/zod-openapi'
import { readSerial } from '../../enroll/serial.ts'

/** A serial number as people write it; {@link readSerial} says how it is kept. */
export const serialNumber = z
  .string()
  .max(200)
  .transform((text, context) => {
    const serial = readSerial(text)
    if (serial === undefined) {
      context.addIssue(
        `${JSON.stringify(text)} is no serial number: up to 64 letters, digits and signs, as About or the box has it`,
      )
      return z.NEVER
    }
    return serial
  })

export const serialFields = {
  serial_number: z.string().nullable(),
  serial_number_proven: z.boolean().openapi({
    description: 'by the challenge that its certificate came from, or by an admin’s word',
  }),
  serial_number_contested: z.boolean().openapi({
    description:
      'another device claims it as well, and this one has no proof or is not the only one that has: the number does not lead to it',
  }),
}
