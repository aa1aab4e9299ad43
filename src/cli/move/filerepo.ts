import { openAsBlob, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { isRepoName } from '../../repo/name.ts'
import { ApiError } from '../api-client.ts'
import { CliError, faultOfFile } from '../error.ts'
import type { Progress } from '../progress.ts'
import type { Call } from './client.ts'
import type { Remark } from './fit.ts'
import type { Repository } from './plan.ts'

const MOST_FILES = 10_000
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu
const PATH = '/api/repo'
const TOO_LONG = 413
const UNAVAILABLE = 503

/** The files of the folder. MicroMDM has none in folders below it. @throws CliError */
export function readRepository(folder: string): Repository {
  try {
    const entries = readdirSync(folder, { withFileTypes: true })
    const isTaken = (entry: (typeof entries)[number]) => entry.isFile() && isRepoName(entry.name)
    const names = entries.filter(isTaken).map(({ name }) => name)
    if (names.length > MOST_FILES) {
      throw new CliError('it has more than 10,000 files: is it MicroMDM’s file repository?')
    }
    return {
      folder,
      files: names.sort().map((name) => ({ name, size: statSync(join(folder, name)).size })),
      skipped: entries
        .filter((entry) => !isTaken(entry))
        .map(({ name }) => name.replaceAll(UNPRINTABLE, '\ufffd'))
        .sort(),
    }
  } catch (error) {
    throw new CliError(`--filerepo ${folder}: ${faultOfFile(error)}`)
  }
}

export interface Uploaded {
  readonly lines: readonly string[]
  readonly refused: readonly Remark[]
}

/** Sends the files that the server does not have. Those that are there stay as they are. */
export async function uploadRepository(
  call: Call,
  { folder, files }: Repository,
  progress: Progress,
): Promise<Uploaded> {
  const here = await namesAt(call)
  if (here instanceof ApiError) {
    const lines = [`The files of ${folder} are not sent: ${here.message}`]
    return { lines, refused: [] }
  }
  const missing = files.filter(({ name }) => !here.has(name))
  const refused: Remark[] = []
  for (const [n, { name }] of missing.entries()) {
    progress.show('Files', n, missing.length)
    try {
      await call('PUT', `${PATH}/${encodeURIComponent(name)}`, await openAsBlob(join(folder, name)))
    } catch (error) {
      refused.push({ what: 'file_refused', about: name, detail: refusalOf(error) })
    }
  }
  progress.end()
  const sent = missing.length - refused.length
  const before = files.length - missing.length
  return { lines: [`Files of the repository: ${sent} sent, ${before} there already.`], refused }
}

/** The names of the files there, or the refusal of a server without a place for them. */
async function namesAt(call: Call): Promise<ReadonlySet<string> | ApiError> {
  const names = new Set<string>()
  let cursor = ''
  try {
    do {
      const path = `${PATH}?limit=100${cursor && `&cursor=${encodeURIComponent(cursor)}`}`
      const page: { items: { name: string }[]; next: string | null } = JSON.parse(
        await call('GET', path),
      )
      for (const { name } of page.items) {
        names.add(name)
      }
      cursor = page.next ?? ''
    } while (cursor !== '')
    return names
  } catch (error) {
    if (error instanceof ApiError && error.code === 'no_bucket') {
      return error
    }
    throw error
  }
}

/** @throws the error of a server that cannot be reached */
function refusalOf(error: unknown): string {
  const status = error instanceof ApiError ? error.status : undefined
  if (status === undefined || status >= UNAVAILABLE) {
    throw error
  }
  return status === TOO_LONG
    ? 'It is longer than a request may be: put it into the bucket yourself (docs/apps-and-files.md).'
    : `The server refuses it: ${error instanceof Error ? error.message : ''}.`
}
