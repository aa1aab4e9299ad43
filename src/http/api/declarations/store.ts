import { z } from '../zod.ts'
import type { ChangeTime } from '../../../directory/declarations/changes.ts'
import {
  putDeclaration,
  type Refused,
  type SentDeclaration,
} from '../../../directory/declarations/put.ts'
import { movedOn, RequestError } from '../../request-error.ts'
import { answer } from '../operation.ts'
import { DECLARATION_EXAMPLE_ID, ENROLLMENT_EXAMPLE_ID } from './schema.ts'

/** What PUT and restore do and answer. */

const previewSchema = z
  .object({
    items: z.array(
      z.object({
        id: z.string().openapi({ description: 'a device or a user channel' }),
        state: z.enum(['offered', 'withheld', 'unknown']).openapi({
          description:
            '`unknown`: no device has enrolled with this id, or its object did not answer',
        }),
        reason: z.string().nullable(),
      }),
    ),
    next: z.string().nullable().openapi({ description: '`cursor` of the next page' }),
    counts: z
      .object({ offered: z.int(), withheld: z.int(), unknown: z.int() })
      .openapi({ description: 'of this page' }),
    reasons: z
      .array(z.object({ reason: z.string(), count: z.int() }))
      .openapi({ description: 'of this page, the most frequent first' }),
  })
  .openapi('DeclarationPreview')

const storedSchema = z
  .object({
    id: z.string(),
    version: z.int().nullable().openapi({ description: 'null in a dry run of a new declaration' }),
    changed: z.boolean().openapi({
      description: '`false`: it had this content and these sets already',
    }),
    warnings: z.array(z.string()),
    preview: previewSchema.nullable().openapi({ description: 'of a dry run' }),
  })
  .openapi('StoredDeclaration')

export type StoredJson = z.input<typeof storedSchema>

const STORED: StoredJson = {
  id: DECLARATION_EXAMPLE_ID,
  version: 2,
  changed: true,
  warnings: [],
  preview: null,
}

const PREVIEW_EXAMPLE: StoredJson['preview'] = {
  items: [
    {
      id: ENROLLMENT_EXAMPLE_ID,
      state: 'withheld',
      reason: 'came with macOS 13.0, and the device has 12.6',
    },
  ],
  next: null,
  counts: { offered: 0, withheld: 1, unknown: 0 },
  reasons: [{ reason: 'came with macOS 13.0, and the device has 12.6', count: 1 }],
}

export const storedAnswers = {
  200: answer('the outcome', storedSchema, { ...STORED, preview: PREVIEW_EXAMPLE }),
  201: answer('the declaration is new', storedSchema, { ...STORED, version: 1 }),
}
export const restoredAnswer = answer('the outcome', storedSchema, STORED)

/** Stores a content. @throws RequestError for faults */
export async function storeContent(d1: D1Database, sent: SentDeclaration, when: ChangeTime) {
  const stored = await putDeclaration(d1, sent, when)
  if (stored.kind === 'refused') {
    throw refusedBy(stored)
  }
  if (stored.kind === 'moved') {
    throw movedOn(sent.identifier, stored.version)
  }
  const { kind, version, warnings } = stored
  const isStored = kind !== 'same'
  const json = {
    ...STORED,
    id: sent.identifier,
    version,
    warnings: [...warnings],
    changed: isStored,
  }
  return { isNew: kind === 'created', isStored, json }
}

/** Where the parts of a declaration are in a request. */
const PLACES: Readonly<Record<string, string>> = {
  Identifier: 'param.id',
  Type: 'json.type',
  Payload: 'json.payload',
}

/** The problem of a declaration: each fault at its place in the request. */
export function refusedBy({ faults, mayForce }: Refused): RequestError {
  const errors = faults.map(({ path: [part = '', ...path], detail }) => ({
    at: [PLACES[part] ?? part, ...path].join('.'),
    detail,
  }))
  const text = errors.map(({ at, detail }) => `${at}: ${detail}`).join('; ')
  const advice = mayForce ? '; ?force=true stores what Apple’s schema does not have' : ''
  return new RequestError(text + advice, 'invalid_declaration', { errors })
}
