/** Variables in payloads: `${serial_number}` in a text is replaced by the device's own. */
import { isObject } from '../../apple/declarations.ts'

/** The variables and their meanings. */
export const VARIABLES: Readonly<Record<string, string>> = {
  serial_number: 'the serial number of the device',
  udid: 'the UDID of the device',
  enrollment_id: 'the id of the enrolment: the UDID or EnrollmentID, and :UserID on a user channel',
  device_name: 'the name of the device',
  model: 'the product name of the device, such as Mac15,6',
  os_version: 'the version of its OS, such as 26.1',
  user_id: 'the UserID of a user channel',
  user_short_name: 'the account name of a user channel',
  user_long_name: 'the full name of a user channel',
}

/** `$${` writes a literal `${`. */
const VARIABLE = /\$(\$\{)|\$\{([^{}]*)\}/g

/** The names of the variables in a text, known or not. */
export function variablesIn(text: string): readonly string[] {
  return [...text.matchAll(VARIABLE)].flatMap(([, , name]) => (name === undefined ? [] : [name]))
}

/** Whether a text has a `${` that begins no variable, and is not written `$${`. */
export function hasLoneBeginning(text: string): boolean {
  return text.replace(VARIABLE, '').includes('${')
}

/** The names of the variables in all texts of a payload. Its keys have none. */
export function variablesOf(payload: unknown): readonly string[] {
  return [...new Set(textsIn(payload).flatMap(variablesIn))]
}

function textsIn(value: unknown): readonly string[] {
  if (typeof value === 'string') return [value]
  if (Array.isArray(value)) return value.flatMap(textsIn)
  return isObject(value) ? Object.values(value).flatMap(textsIn) : []
}

/** A string of a JSON text, and the colon that makes it a key. */
const STRING = /"[^"\\]*(?:\\.[^"\\]*)*"(\s*:)?/g

/**
 * The payload as JSON text, its variables replaced. `values` has to hold each of {@link variablesOf}.
 *
 * @throws Error if a value is missing
 */
export function expandVariables(
  payloadText: string,
  values: Readonly<Record<string, string>>,
): string {
  return payloadText.replace(STRING, (literal: string, colon?: string) =>
    colon === undefined ? JSON.stringify(expanded(JSON.parse(literal), values)) : literal,
  )
}

function expanded(text: string, values: Readonly<Record<string, string>>): string {
  return text.replace(VARIABLE, (_, escaped?: string, name = '') => {
    const value = escaped ?? (Object.hasOwn(values, name) ? values[name] : undefined)
    if (value === undefined) {
      throw new Error(`variable ${name} has no value`)
    }
    return value
  })
}
