import { isUtf8 } from 'node:buffer'
import { clock } from '../../clock.ts'
import { GoFieldError, isJsonObject, stringField } from '../../commands/go-fields.ts'
import { readGoJson, type JsonValue } from '../../commands/go-json.ts'
import { loadCatalog } from '../../directory/declarations/catalog.ts'
import {
  deleteDeclaration,
  readDeclaration,
  touchDeclaration,
} from '../../directory/declarations/edit.ts'
import { putDeclaration } from '../../directory/declarations/put.ts'
import { beginOffers } from '../../jobs/declarations/begin.ts'
import type { AppContext } from '../app-env.ts'
import { readBody } from '../body.ts'
import { baseUrl } from '../host.ts'
import { RequestError } from '../request-error.ts'
import { changeAnswer, jsonAnswer, listAnswer } from './answer.ts'
import { membersIn, tabbed } from './json-text.ts'
import { idIn, notifies } from './request.ts'

const STRUCT = 'Declaration'

export async function getDeclarations(c: AppContext): Promise<Response> {
  const { items } = await loadCatalog(c.env.DB)
  return listAnswer([...items.keys()])
}

/** Stores what Apple's schema does not have, as KMFDDM does. */
export async function takeDeclaration(c: AppContext): Promise<Response> {
  const sent = { ...declarationIn(await bodyText(c)), force: true, origin: baseUrl(c) }
  const notify = notifies(c)
  const when = { now: clock.now(), notify }
  const put = await putDeclaration(c.env.DB, sent, when)
  if (put.kind === 'refused') {
    const faults = put.faults.map(({ path, detail }) => `${path.join('.')}: ${detail}`)
    throw new RequestError(faults.join('; '), 400)
  }
  if (put.kind !== 'same' && notify) {
    await beginOffers(c.env)
  }
  return changeAnswer(put.kind !== 'same')
}

async function bodyText(c: AppContext): Promise<string> {
  const body = await readBody(c.req.raw)
  if (body === undefined) {
    throw new RequestError('the body is longer than 20 MB', 413)
  }
  if (!isUtf8(body)) {
    throw new RequestError('the body is no UTF-8, and other bytes would be stored as U+FFFD', 400)
  }
  return new TextDecoder().decode(body)
}

interface Given {
  readonly identifier: string
  readonly type: string
  /** JSON, as it was sent. */
  readonly payload: string
}

/** Reads it as KMFDDM does: keys of any case, and none but three count. @throws RequestError 400 */
function declarationIn(text: string): Given {
  const value = valueIn(text)
  try {
    if (value !== null && !isJsonObject(value)) {
      const kind = Array.isArray(value) ? 'array' : typeof value
      throw new RequestError(
        `json: cannot unmarshal ${kind} into Go value of type ddm.${STRUCT}`,
        400,
      )
    }
    const [identifier = '', type = ''] = ['Identifier', 'Type'].map((name) =>
      stringField(value ?? {}, name, STRUCT),
    )
    const payload = value === null ? '' : payloadIn(text)
    if (identifier === '' || type === '' || payload.length < 2) {
      throw new RequestError('invalid declaration', 400)
    }
    return { identifier, type, payload }
  } catch (error) {
    throw error instanceof GoFieldError ? new RequestError(error.message, 400) : error
  }
}

/** A JSON value, with the messages of Go's `json.Unmarshal`, which allows nothing behind it. */
function valueIn(text: string): JsonValue {
  const read = readGoJson(text)
  if (!read.ok) {
    throw new RequestError(read.error.replace(/^.*EOF$/, 'unexpected end of JSON input'), 400)
  }
  try {
    JSON.parse(text)
  } catch {
    throw new RequestError('invalid character after top-level value, or a comma before } or ]', 400)
  }
  return read.value
}

function payloadIn(text: string): string {
  const members = membersIn(text)
  const folded = [...members].findLast(([name]) => name.toLowerCase() === 'payload')
  return members.get('Payload') ?? folded?.[1] ?? ''
}

export async function getDeclaration(c: AppContext): Promise<Response> {
  const id = idIn(c)
  const declaration = await readDeclaration(c.env.DB, id)
  const item = (await loadCatalog(c.env.DB)).items.get(id)
  if (!declaration || !item) {
    throw unknownDeclaration(id)
  }
  const { type, payload } = declaration
  const [Identifier, Type, token] = [id, type, item.token].map((text) => JSON.stringify(text))
  return jsonAnswer(
    tabbed(
      `{"Identifier":${Identifier},"Type":${Type},"Payload":${payload},"ServerToken":${token}}`,
    ),
  )
}

/** No device hears of it: the declaration was in no set. */
export async function removeDeclaration(c: AppContext): Promise<Response> {
  const deleted = await deleteDeclaration(c.env.DB, idIn(c), clock.now())
  if (deleted.kind === 'used') {
    const { sets } = deleted
    throw new RequestError(
      `declaration is referenced by ${sets.length} sets: take it out of ${sets.join(', ')}`,
    )
  }
  return changeAnswer(deleted.kind === 'deleted')
}

export async function touch(c: AppContext): Promise<Response> {
  const id = idIn(c)
  const notify = notifies(c)
  if (!(await touchDeclaration(c.env.DB, id, { now: clock.now(), notify }))) {
    throw unknownDeclaration(id)
  }
  if (notify) {
    await beginOffers(c.env)
  }
  return changeAnswer(true)
}

function unknownDeclaration(id: string): RequestError {
  return new RequestError(`declaration not found: ${id}`, 404)
}
