/** Accounts, devices and profiles of Apple Business Manager as the API shows them. */
import { z } from '../zod.ts'
import { pathId } from '../operation.ts'
import { serialNumber } from '../serial-number.ts'
import { time } from '../values.ts'

export const DEP_TAGS = ['Apple Business Manager']

export const NO_DEP_ACCOUNT = { 404: 'no account has this id, or none has a token yet' }
export const APPLE_REFUSES = { 409: 'Apple refuses the call: `detail` has its word' }

const ACCOUNT_ID = 'f1e0c6a5d2b34c17'
export const DEP_ACCOUNT_PARAMS = pathId(z.string().min(1), 'the id of an account', ACCOUNT_ID)
export const DEP_DEVICE_PARAMS = pathId(serialNumber, 'a serial number', 'C02ADE000001')

/** Which account an operation is about. */
export const depAccountText = z
  .string()
  .min(1)
  .optional()
  .openapi({ description: 'the id of an account; the newest one if left out' })

export const depAccountSchema = z
  .object({
    id: z.string(),
    server_id: z.string().nullable().openapi({ description: 'Apple’s id of the server entry' }),
    server_name: z.string().nullable(),
    organization: z.string().nullable(),
    added_at: time,
    token_at: time.openapi({ description: 'when its newest token was imported' }),
  })
  .openapi('DepAccount')

export const DEP_ACCOUNT_EXAMPLE: z.input<typeof depAccountSchema> = {
  id: ACCOUNT_ID,
  server_id: '677CAF70FE3F11EE8B8E5A8B7DC43A1B',
  server_name: 'EdgeMDM',
  organization: 'Example GmbH',
  added_at: '2026-11-28T09:00:00.000Z',
  token_at: '2026-11-28T09:00:00.000Z',
}
