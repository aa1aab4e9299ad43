/** Reads multipart/form-data (RFC 7578) while it arrives: no part is in memory as a whole. */
import { Buffer } from 'node:buffer'
import { RepoError } from './error.ts'

export interface FormPart {
  readonly name: string
  /** Empty for a part that is no file. */
  readonly filename: string
  /** Is read to its end, or not at all, before the next part is asked for. */
  readonly bytes: AsyncIterable<Uint8Array>
}

const CONTENT_TYPE =
  /^multipart\/form-data\s*;(?:[^"]*;)?\s*boundary=(?:"([^"]{1,70})"|([^\s;"]{1,70}))/i
const MAX_HEADERS = 8192
const MAX_TEXT = 4096
const HEADERS_END = '\r\n\r\n'
/** Go and curl write a quote and a backslash with a backslash before them. */
const PARAMETER = /;\s*([\w*-]+)=(?:"((?:\\.|[^"\\])*)"|([^\s;"]*))/g

/** The boundary that a Content-Type names; `undefined` if it is no form of this kind. */
export function boundaryOf(contentType: string): string | undefined {
  const [, quoted, plain] = CONTENT_TYPE.exec(contentType) ?? []
  return quoted ?? plain
}

/** The parts in their order. @throws RepoError for a form that is malformed, or breaks off */
export async function* readForm(
  body: AsyncIterable<Uint8Array>,
  boundary: string,
): AsyncGenerator<FormPart> {
  const chunks = body[Symbol.asyncIterator]()
  const reading = { chunks, held: Buffer.from('\r\n'), delimiter: Buffer.from(`\r\n--${boundary}`) }
  try {
    // What precedes the first part says nothing.
    await skip(untilDelimiter(reading))
    while (await hasPart(reading)) {
      const { name = '', filename = '' } = dispositionOf(await readHeaders(reading))
      const bytes = untilDelimiter(reading)
      yield { name, filename, bytes }
      await skip(bytes)
    }
  } finally {
    await chunks.return?.()
  }
}

/** A short part as text. @throws RepoError for a long one */
export async function textOfPart({ name, bytes }: FormPart): Promise<string> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of bytes) {
    chunks.push(chunk)
    length += chunk.length
    if (length > MAX_TEXT) {
      throw malformed(`${name} is longer than ${MAX_TEXT} bytes`)
    }
  }
  return Buffer.concat(chunks).toString()
}

interface Reading {
  readonly chunks: AsyncIterator<Uint8Array>
  readonly delimiter: Buffer
  /** What has arrived and is not read yet. The first delimiter may have no line break before it. */
  held: Buffer
}

async function readOn(reading: Reading): Promise<void> {
  const next = await reading.chunks.next()
  if (next.done === true) {
    throw malformed('it breaks off before its end')
  }
  reading.held = Buffer.concat([reading.held, next.value])
}

/** The bytes before the next delimiter, which it takes too. */
async function* untilDelimiter(reading: Reading): AsyncGenerator<Uint8Array> {
  const { delimiter } = reading
  for (;;) {
    const at = reading.held.indexOf(delimiter)
    // The end of what has arrived may be the beginning of a delimiter.
    const end = at === -1 ? Math.max(reading.held.length - delimiter.length + 1, 0) : at
    const before = reading.held.subarray(0, end)
    reading.held = reading.held.subarray(at === -1 ? end : at + delimiter.length)
    if (before.length > 0) {
      yield before
    }
    if (at !== -1) {
      return
    }
    await readOn(reading)
  }
}

async function skip(bytes: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const _ of bytes) {
    // Read and forgotten.
  }
}

/** After a delimiter: two hyphens end the form. */
async function hasPart(reading: Reading): Promise<boolean> {
  while (reading.held.length < 2) {
    await readOn(reading)
  }
  return reading.held.toString('latin1', 0, 2) !== '--'
}

/** The lines before a part's bytes. */
async function readHeaders(reading: Reading): Promise<string> {
  for (;;) {
    const at = reading.held.indexOf(HEADERS_END)
    if (at > MAX_HEADERS || (at === -1 && reading.held.length > MAX_HEADERS)) {
      throw malformed(`the headers of a part are longer than ${MAX_HEADERS} bytes`)
    }
    if (at !== -1) {
      const headers = reading.held.toString('utf8', 0, at)
      reading.held = reading.held.subarray(at + HEADERS_END.length)
      return headers
    }
    await readOn(reading)
  }
}

function dispositionOf(headers: string): Readonly<Record<string, string | undefined>> {
  const [, line] = /(?:^|\r\n)content-disposition:\s*form-data([^\r\n]*)/i.exec(headers) ?? []
  if (line === undefined) {
    throw malformed('a part has no Content-Disposition')
  }
  return Object.fromEntries(
    [...line.matchAll(PARAMETER)].map(([, key = '', quoted, plain = '']) => [
      key.toLowerCase(),
      quoted?.replaceAll(/\\(.)/g, '$1') ?? plain,
    ]),
  )
}

function malformed(fault: string): RepoError {
  return new RepoError('invalid_request', `the form cannot be read: ${fault}`)
}
