import { z } from '@hono/zod-openapi'
import { readSerial } from '../../../enroll/serial.ts'

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
