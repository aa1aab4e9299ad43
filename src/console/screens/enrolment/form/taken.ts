import type { Done, Fault } from '../../../api/fault.ts'

/**
 * Why something new cannot be stored under a name. The API takes the last writer, so a form asks first what
 * has the name.
 *
 * @param there what the API reads under the name
 * @param at the place of the field with the name, where there is one
 * @returns `undefined` if the name is free
 */
export function takenFault(there: Done, detail: string, at?: string): Fault | undefined {
  if (!there.ok) {
    return there.fault.status === 404 ? undefined : there.fault
  }
  const errors = at === undefined ? [] : [{ at, detail }]
  return { kind: 'refused', status: 409, code: 'conflict', detail, errors }
}
