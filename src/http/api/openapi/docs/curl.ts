/** Operations as lines for a shell that has the server in `URL` and the key in `API_KEY`. */
import type { Document } from '../kind.ts'

type Operation = NonNullable<NonNullable<Document['paths']>[string]['get']>
type Parameter = Exclude<NonNullable<Operation['parameters']>[number], { $ref: string }>

const LINE = 72

/**
 * The call with its required parameters, those that have an example of their own, and this body: JSON, or a
 * file of this content type.
 */
export function curl(
  method: string,
  path: string,
  parameters: readonly Parameter[],
  body: unknown,
  fileType?: string,
): string {
  const needed = parameters.filter((one) => one.required === true || hasExample(one))
  const place = needed
    .filter(({ in: where }) => where === 'path')
    .reduce((text, one) => text.replace(`{${one.name}}`, encodeURIComponent(exampleOf(one))), path)
  const query = needed.filter(({ in: where }) => where === 'query')
  const search = new URLSearchParams(query.map((one) => [one.name, exampleOf(one)])).toString()
  const headers = needed.filter(({ in: where }) => where === 'header')
  const sent =
    fileType === undefined
      ? body === undefined
        ? ''
        : ` \\\n  -d ${quoted(jsonText(body))}`
      : ` \\\n  -H 'content-type: ${fileType}' --data-binary @file`
  const own = method === (body === undefined ? 'GET' : 'POST') ? [] : [`-X ${method}`]
  const call = [
    'curl -sS -u "micromdm:$API_KEY"',
    ...own,
    ...headers.map((one) => `-H ${quoted(`${one.name}: ${exampleOf(one)}`)}`),
    `"$URL${place}${search && `?${search}`}"`,
  ]
  return call.join(' ') + sent
}

/** An example that is the default is left out. */
function hasExample({ schema = {} }: Parameter): boolean {
  return 'example' in schema && schema.example !== schema.default
}

function exampleOf({ name, example, schema }: Parameter): string {
  const own = schema && 'example' in schema ? schema.example : undefined
  return String(example ?? own ?? name)
}

function jsonText(body: unknown): string {
  const line = JSON.stringify(body)
  return line.length > LINE ? JSON.stringify(body, null, 2) : line
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`
}
