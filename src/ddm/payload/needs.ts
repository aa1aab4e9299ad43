import {
  declarationSchema,
  describedIn,
  type DeclarationPayload,
} from '../../apple/declarations.ts'
import { availability } from '../../apple/schema.ts'
import { isBefore } from '../../apple/version.ts'
import type { EnrollmentMode, DeclarationNeeds, PlatformNeed, ChannelScope } from '../facts.ts'

const OS = ['macOS', 'iOS', 'tvOS', 'watchOS', 'visionOS'] as const

/** A key of the payload that needs more than its type does. */
interface NeedyKey {
  readonly on: string
  readonly path: string
}

/**
 * Where a declaration works: its type, and the keys of its payload that came later or are allowed in fewer
 * places. A key that a platform does not have at all rules the platform out only if the declaration is
 * nothing without it (such as ManifestURL, which macOS lacks): one declaration may serve several platforms.
 * A type that Apple does not document is newer than this table, and works everywhere.
 */
export function declarationNeeds(type: string, payload: DeclarationPayload): DeclarationNeeds {
  const schema = declarationSchema(type)
  if (schema === undefined) {
    return Object.fromEntries(OS.map((os) => [os, { from: '0' }]))
  }
  const keys = [...describedIn(payload, schema)].flatMap(({ path, schema: { on } }) =>
    on === undefined ? [] : [{ on, path: path.join('.') }],
  )
  return Object.fromEntries(
    OS.flatMap((os) => {
      const need = needOn(os, schema.on, keys)
      return need ? [[os, need]] : []
    }),
  )
}

function needOn(
  os: (typeof OS)[number],
  on: string,
  keys: readonly NeedyKey[],
): PlatformNeed | undefined {
  const own = availability(on, os)
  if (own === undefined) {
    return undefined
  }
  let { channels, since } = own
  let by: string | undefined
  for (const key of keys) {
    const more = availability(key.on, os)
    if (more?.channels === '') {
      return undefined
    }
    if (more) {
      channels = channels.replace(new RegExp(`[^${more.channels}]`, 'g'), '')
      by = isBefore(since, more.since) ? key.path : by
      since = isBefore(since, more.since) ? more.since : since
    }
  }
  return {
    from: since,
    ...(own.until !== undefined && { until: own.until }),
    ...placesOf(os, channels),
    ...(by !== undefined && { by }),
  }
}

/**
 * The lists of a need, from the letters of `on`. A list that allows all is left out, and so are the scopes
 * of a platform without user channels.
 */
function placesOf(os: string, letters: string): Partial<PlatformNeed> {
  const has = (letter: string) => letters.includes(letter)
  const enrollments: readonly EnrollmentMode[] = [
    'supervised',
    ...(has('p') ? (['device'] as const) : []),
    ...(has('e') ? (['user'] as const) : []),
  ]
  const scopes = scopesOf(has('d'), has('u'))
  const shared = scopesOf(has('s'), has('m'))
  return {
    ...(enrollments.length < 3 && { enrollments }),
    ...(os === 'macOS' && scopes.length < 2 && { scopes }),
    ...(os === 'iOS' && shared.length < 2 && { shared }),
  }
}

function scopesOf(system: boolean, user: boolean): readonly ChannelScope[] {
  return [...(system ? (['system'] as const) : []), ...(user ? (['user'] as const) : [])]
}
