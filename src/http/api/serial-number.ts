import { z } from './zod.ts'
import { readSerial } from '../../enroll/serial.ts'

/** A serial number as an admin types it; {@link readSerial} has the stored form. */
export const serialNumber = z
  .string()
  .max(200)
  .transform((text, context) => {
    const serial = readSerial(text)
    if (serial === undefined) {
      context.addIssue(
        `${JSON.stringify(text)} is no serial number: it has up to 64 letters, digits and signs; About and ` +
          'the box show it',
      )
      return z.NEVER
    }
    return serial
  })

export const serialFields = {
  serial_number: z.string().nullable(),
  serial_number_proven: z.boolean().openapi({
    description: 'by the challenge of its certificate, or because an admin confirmed it',
  }),
  serial_number_contested: z.boolean().openapi({
    description:
      'another device claims it too, and this one has no proof or is not the only one with proof: the ' +
      'number does not lead to this device',
  }),
}
