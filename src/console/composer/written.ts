/** A request as text: JSON, and a line for a shell. Both read back. */
import { isJsonKeys, parsed, type JsonObject } from './draft.ts'

export interface WrittenRequest {
  /** Path and query, such as `/api/devices/ID/commands`. */
  readonly path: string
  readonly body: JsonObject
}

export function jsonText(body: JsonObject): string {
  return JSON.stringify(body, null, 2)
}

/** The call for a shell that has the key in `API_KEY`. */
export function curlText(origin: string, { path, body }: WrittenRequest): string {
  return `curl -sS -u "micromdm:$API_KEY" ${quoted(origin + path)} \\\n  -d ${quoted(jsonText(body))}`
}

/**
 * The body in a text: JSON as it stands, or the `-d '…'` of a call of curl.
 *
 * @returns `undefined` if there is none
 */
export function bodyIn(text: string): JsonObject | undefined {
  const found = /^\s*curl\b/.test(text) ? quotedAfter(text) : text
  const value = found === undefined ? undefined : parsed(found)
  return isJsonKeys(value) ? value : undefined
}

const DATA = /\s(?:-d|--data|--data-raw|--data-binary)\s+'((?:[^']|'\\'')*)'/

function quotedAfter(text: string): string | undefined {
  return DATA.exec(text)?.[1]?.replaceAll(String.raw`'\''`, "'")
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`
}

/** The form in which a body has its command. */
export function formOf(body: JsonObject): 'apple' | 'micromdm' | undefined {
  if (isJsonKeys(body['Command'])) {
    return 'apple'
  }
  return typeof body['request_type'] === 'string' ? 'micromdm' : undefined
}
