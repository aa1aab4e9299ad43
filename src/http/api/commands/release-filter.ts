import { z } from '../zod.ts'
import { undocumented } from '../../../apple/check.ts'
import { REQUEST_TYPES } from '../../../apple/schema.ts'
import type { ReleaseFilter } from '../../../device/queue/held.ts'
import { moment } from '../values.ts'

/** Which held commands a release means, for one device and for many. */

const requestType = z.string().refine((name) => REQUEST_TYPES.includes(name), {
  error: ({ input }) => undocumented(String(input)),
})

export const releaseWords = {
  request_types: z
    .array(requestType)
    .min(1, 'an empty list releases nothing: leave it out for all types')
    .max(REQUEST_TYPES.length)
    .optional()
    .openapi({ description: 'only commands of these types' }),
  queued_before: moment.optional().openapi({ description: 'only commands from before this time' }),
  queued_after: moment.optional().openapi({ description: 'only commands of this time or later' }),
}

interface Words {
  readonly request_types?: readonly string[] | undefined
  readonly queued_before?: number | undefined
  readonly queued_after?: number | undefined
}

export const IN_ORDER = '`queued_after` lies behind `queued_before`: no command can be between them'

export function isInOrder({
  queued_after: after = 0,
  queued_before: before = Infinity,
}: Words): boolean {
  return after < before
}

export function releaseFilterOf(words: Words): ReleaseFilter {
  const {
    request_types: requestTypes,
    queued_before: queuedBefore,
    queued_after: queuedAfter,
  } = words
  return { requestTypes, queuedBefore, queuedAfter }
}
