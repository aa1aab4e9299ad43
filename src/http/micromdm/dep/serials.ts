import { stringsField } from '../../../commands/go-fields.ts'
import type { JsonObject } from '../../../commands/go-json.ts'
import { depError } from '../../dep/refusal.ts'

/**
 * The serial numbers that a call is about. A call without any, as after a typing error in the key, is refused
 * with Apple's word for it. @throws RequestError
 */
export function readSerials(body: JsonObject, type: string, what: string): string[] {
  const serials = stringsField(body, 'serials', type) ?? []
  if (serials.length === 0) {
    throw depError(what, { kind: 'refused', at: 'call', status: 400, code: 'DEVICE_ID_REQUIRED' })
  }
  return [...serials]
}
