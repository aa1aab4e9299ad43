/** Whether a device has declarative management, and what it says of it: pure. */
import type { Schema } from '../../../../api/types.ts'

type Declared = Schema<'DeviceDeclarations'>

/** The first major version with declarative management: docs/declarations.md. */
const SINCE: Readonly<Record<string, number>> = {
  macOS: 13,
  iOS: 15,
  iPadOS: 15,
  tvOS: 16,
  watchOS: 10,
  visionOS: 1.1,
}

/** Whether there is something to show: it was offered declarations, or its OS takes them. */
export function isDeclarative(declared: Declared | undefined): declared is Declared {
  if (!declared) {
    return false
  }
  const { platform, os_version: version } = declared.facts
  const since = platform === null ? undefined : SINCE[platform]
  const isTaken = since !== undefined && Number.parseFloat(version ?? '0') >= since
  return declared.enabled || declared.declarations.length > 0 || isTaken
}

/** The label of the tab, which says at once that something failed. */
export function declaredLabel({ declarations }: Declared): string {
  const failed = declarations.filter(({ state }) => state === 'failed').length
  return failed > 0 ? `Declarations (${failed} failed)` : 'Declarations'
}

const ORDER = ['failed', 'withheld', 'pending', 'inactive', 'applied'] as const

/** Those that need somebody first, each kind in the order of identifiers. */
export function inOrder({ declarations }: Declared): Declared['declarations'] {
  return declarations.toSorted(
    (one, other) =>
      ORDER.indexOf(one.state) - ORDER.indexOf(other.state) || one.id.localeCompare(other.id),
  )
}

/** A value of a status item in one line; `undefined` for one that needs a tree. */
export function shortValue(value: unknown): string | undefined {
  switch (typeof value) {
    case 'string':
      return value === '' ? 'empty' : value
    case 'number':
      return String(value)
    case 'boolean':
      return value ? 'yes' : 'no'
    default:
      return value === null ? 'none' : undefined
  }
}
