/** The version of a file: its entity tag with quotes, its length and its time in milliseconds. */
export interface FileVersion {
  readonly etag: string
  readonly size: number
  readonly modified: number
}

export type FileAnswer =
  | { readonly status: 200 | 304 | 412 | 416 }
  | { readonly status: 206; readonly offset: number; readonly length: number }

const SECOND = 1000

/**
 * What a request gets of a file, by its conditions and its range (RFC 9110 §13.2.2, §14.2). Of several ranges
 * the answer is the whole file, and HEAD has no ranges.
 */
export function answerFor(headers: Headers, file: FileVersion, isHead = false): FileAnswer {
  const part = isHead ? undefined : rangeOf(headers, file)
  return conditionOf(headers, file) ?? part ?? { status: 200 }
}

function conditionOf(headers: Headers, file: FileVersion): FileAnswer | undefined {
  const match = headers.get('if-match')
  const noneMatch = headers.get('if-none-match')
  const fails =
    match === null ? isAfter(file, headers.get('if-unmodified-since')) : !isListed(match, file.etag)
  if (fails) {
    return { status: 412 }
  }
  const isKnown =
    noneMatch === null
      ? isAfter(file, headers.get('if-modified-since')) === false
      : isListed(noneMatch.replaceAll('W/', ''), file.etag)
  return isKnown ? { status: 304 } : undefined
}

function isListed(tags: string, etag: string): boolean {
  return tags.split(',').some((tag) => ['*', etag].includes(tag.trim()))
}

/** Whether the file is newer than a date; `undefined` without a valid one. Dates have whole seconds. */
function isAfter({ modified }: FileVersion, date: string | null): boolean | undefined {
  const time = Date.parse(date ?? '')
  return Number.isNaN(time) ? undefined : Math.floor(modified / SECOND) * SECOND > time
}

function rangeOf(headers: Headers, file: FileVersion): FileAnswer | undefined {
  const { size } = file
  const [, first = '', last = ''] =
    /^bytes=(\d{0,15})-(\d{0,15})$/.exec(headers.get('range') ?? '') ?? []
  if (first + last === '' || !isSame(headers.get('if-range'), file)) {
    return undefined
  }
  const offset = first === '' ? Math.max(size - Number(last), 0) : Number(first)
  const end = first === '' || last === '' ? size : Math.min(Number(last) + 1, size)
  if (first !== '' && last !== '' && Number(last) < Number(first)) {
    return undefined
  }
  return offset < end ? { status: 206, offset, length: end - offset } : { status: 416 }
}

/** Whether a part that the client has is of this version. A weak tag says too little. */
function isSame(known: string | null, { etag, modified }: FileVersion): boolean {
  return (
    known === null || known === etag || Date.parse(known) === Math.floor(modified / SECOND) * SECOND
  )
}
