import { z } from '../zod.ts'
import { Buffer } from 'node:buffer'
import { readDeclaration, type DeclarationRow } from '../../../directory/declarations/edit.ts'
import { MAX_ID_OCTETS } from '../../../directory/declarations/put.ts'
import type { DeclarationSummary } from '../../../directory/declarations/read.ts'
import { knownSets } from '../../../directory/declarations/sets.ts'
import type { DeclarationItem, Rollout } from '../../../ddm/item.ts'
import { isReadable } from '../../../mdm/enrollment.ts'
import { faultAt, RequestError } from '../../request-error.ts'
import { pathId } from '../operation.ts'
import { iso, time } from '../values.ts'
import { declarationState } from '../words.ts'

export const DECLARATION_EXAMPLE_ID = 'com.example.passcode'
export const SET_EXAMPLE_ID = 'all-macs'
export const ENROLLMENT_EXAMPLE_ID = 'E0B7A5F2-6C1D-4C57-9F0B-3C5C5D7A9E01'

/** As KMFDDM's API here takes them (docs/kmfddm.md §4). */
const MAX_SET_NAME = 200

export const declarationId = z
  .string()
  .refine(
    (id) => id !== '' && id.isWellFormed() && Buffer.byteLength(id) <= MAX_ID_OCTETS,
    `an identifier has 1 to ${MAX_ID_OCTETS} octets of UTF-8`,
  )
export const setName = z
  .string()
  .max(MAX_SET_NAME)
  .refine(isReadable, 'has to be readable: no control characters, and no blanks at its ends')

export const DECLARATION_PARAMS = pathId(
  declarationId,
  'the declaration’s identifier',
  DECLARATION_EXAMPLE_ID,
)
export const SET_PARAMS = pathId(setName, 'the name of the set', SET_EXAMPLE_ID)
export const NO_DECLARATION = { 404: 'no declaration has this identifier' }
export const NO_SET = { 404: 'no set has this name' }

export const declarationJsonSchema = z
  .object({
    id: z.string().openapi({ description: 'its identifier' }),
    type: z.string(),
    version: z.int().openapi({ description: 'rises with each new content' }),
    server_token: z.string().openapi({
      description: 'without the suffixes that a device’s values and a resend add',
    }),
    changed_at: time,
    rollout_percent: z
      .number()
      .nullable()
      .openapi({ description: 'the share of devices that get this version; null for all' }),
  })
  .openapi('Declaration')

export const versionSchema = z
  .object({
    version: z.int(),
    type: z.string(),
    created_at: time,
    replaced_at: time.nullable().openapi({ description: 'null for the present version' }),
  })
  .openapi('DeclarationVersion')

export const payloadObject = z.record(z.string(), z.unknown()).openapi({ type: 'object' })

const count = z.int()
const stateCounts = z
  .object({
    applied: count,
    pending: count,
    failed: count,
    inactive: count,
    withheld: count,
  })
  .openapi('DeclarationStateCounts')

export type StateCountsJson = z.input<typeof stateCounts>

/** A declaration in the list. */
export const listedDeclarationSchema = declarationJsonSchema
  .extend({
    sets: z.array(z.string()),
    states: stateCounts.openapi({
      description:
        'how many channels have it in each state. A count is kept for 3 ms for each state that was ' +
        'counted, up to 5 minutes, in the memory of the isolate',
    }),
  })
  .openapi('ListedDeclaration')

export const STATES_EXAMPLE: StateCountsJson = {
  applied: 40,
  pending: 2,
  failed: 1,
  inactive: 0,
  withheld: 3,
}

export const declarationDetailSchema = declarationJsonSchema
  .extend({
    payload: payloadObject,
    sets: z.array(z.string()),
    versions: z.array(versionSchema).openapi({ description: 'those that are kept, newest first' }),
    states: stateCounts.openapi({ description: 'how many channels have it in each state' }),
  })
  .openapi('DeclarationDetail')

export const DECLARATION_EXAMPLE: z.input<typeof declarationJsonSchema> = {
  id: DECLARATION_EXAMPLE_ID,
  type: 'com.apple.configuration.passcode.settings',
  version: 2,
  server_token: '9f86d081884c7d659a2feaa0c55ad015',
  changed_at: '2026-11-28T09:00:00Z',
  rollout_percent: null,
}

export const VERSION_EXAMPLE: z.input<typeof versionSchema> = {
  version: 2,
  type: DECLARATION_EXAMPLE.type,
  created_at: '2026-11-28T09:00:00Z',
  replaced_at: null,
}

export const PAYLOAD_EXAMPLE = { MinimumLength: 8 }

/** A state of a declaration on a channel. */
export const stateFields = {
  state: declarationState.openapi({
    description:
      '`applied`: the device applies this content. `pending`: it has not reported it yet. `inactive`: no ' +
      'activation makes it active. `withheld`: the server does not offer it',
  }),
  code: z.string().nullable().openapi({
    description: 'the code of the device’s reason; of a withheld declaration, a sentence',
  }),
}

export function declarationJson(row: DeclarationSummary): z.input<typeof declarationJsonSchema> {
  const rollout: Rollout | undefined = row.rollout === '' ? undefined : JSON.parse(row.rollout)
  return {
    id: row.identifier,
    type: row.type,
    version: row.version,
    server_token: row.token,
    changed_at: iso(row.changedAt),
    rollout_percent: rollout?.percent ?? null,
  }
}

export function summaryOf(row: DeclarationRow): DeclarationSummary {
  const { token }: DeclarationItem = JSON.parse(row.item)
  return { ...row, token: row.touches === 0 ? token : `${token}.${row.touches}` }
}

/** @throws RequestError if there is no such declaration */
export async function knownDeclaration(d1: D1Database, id: string): Promise<DeclarationRow> {
  const row = await readDeclaration(d1, id)
  if (!row) {
    throw unknownDeclaration(id)
  }
  return row
}

export function unknownDeclaration(id: string): RequestError {
  return new RequestError(
    `no declaration has the identifier ${id}: GET /api/declarations lists them`,
    'declaration_not_found',
  )
}

/** @throws RequestError if one of the sets does not exist: its name may be mistyped */
export async function requireSets(
  d1: D1Database,
  names: readonly string[],
  at?: string,
): Promise<void> {
  const known = new Set(await knownSets(d1, names))
  const missing = names.find((name) => !known.has(name))
  if (missing !== undefined) {
    const path = `/api/sets/${encodeURIComponent(missing)}`
    const text = `no set is named ${missing}: PUT ${path} makes it`
    throw at === undefined
      ? new RequestError(text, 'set_not_found')
      : faultAt(at, text, 'set_not_found')
  }
}
