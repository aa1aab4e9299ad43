import type { Reason } from '../states.ts'
import { bytesOf, cutText, fieldOf, isRawDict, upTo, withinLevels } from './value.ts'

const MAX_REASONS = 50
/** The longest of Apple has 46 letters. */
const MAX_CODE = 64
const MAX_DESCRIPTION = 1024
const MAX_DETAILS = 4096

/** The reasons of a declaration or an error, at most 50. (Apple: "StatusReason") */
export function reasonsOf(value: unknown): Reason[] {
  const list: unknown[] = Array.isArray(value) ? value : []
  return list
    .filter(isRawDict)
    .slice(0, MAX_REASONS)
    .map((reason) => ({
      code: cutText(fieldOf(reason, 'code'), MAX_CODE),
      description: cutText(fieldOf(reason, 'description'), MAX_DESCRIPTION),
      details: upTo(MAX_DETAILS, withinLevels(fieldOf(reason, 'details'))),
    }))
}

/** The reason that says most: the first error, or else the first of all. */
export function mainReason(reasons: readonly Reason[]): Reason | undefined {
  return reasons.find(isError) ?? reasons[0]
}

/** Codes that begin with `Info.` are no errors. (Apple: "DeclarationBase") */
export function isError({ code }: Reason): boolean {
  return code.startsWith('Error.')
}

/** The same entries. Beyond `room` bytes of reasons, an entry keeps the code of its main reason alone. */
export function withFewerReasons<T extends { readonly reasons: readonly Reason[] }>(
  entries: readonly T[],
  room: number,
): T[] {
  let left = room
  return entries.map((entry) => {
    const bytes = bytesOf(entry.reasons)
    if (bytes > left) {
      return { ...entry, reasons: codeAlone(entry.reasons) }
    }
    left -= bytes
    return entry
  })
}

function codeAlone(reasons: readonly Reason[]): Reason[] {
  const main = mainReason(reasons)
  return main ? [{ code: main.code, description: '', details: null }] : []
}
