import { createHash } from 'node:crypto'
import { createReadStream, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { CliError, faultOfFile } from '../error.ts'
import { sha256 } from './source.ts'

/** A file of MicroMDM's `-filerepo`: manifests of apps, and the packages that they name. */
export interface RepositoryFile {
  /** Below the folder, with slashes. */
  readonly path: string
  readonly size: number
  readonly sha256: string
  /** Of a small one. */
  readonly content?: Uint8Array
}

export interface Repository {
  readonly files: readonly RepositoryFile[]
  /** Links, sockets, and names that are no text: they are not read. */
  readonly skipped: readonly string[]
}

const MOST_FILES = 10_000
/** Larger ones stay where they are: the server has no room for packages. */
const SMALL = 1_000_000
const MOST_SMALL = 200_000_000
const MAX_PATH = 900
// oxlint-disable-next-line no-control-regex -- control characters are what it looks for
const NO_TEXT = /[\0-\x1f\x7f\ufffd]/

/** All files below the folder, in the order of their paths. Links are not followed. @throws CliError */
export async function readRepository(folder: string): Promise<Repository> {
  try {
    const { paths, skipped } = pathsIn(folder)
    const files: RepositoryFile[] = []
    let kept = 0
    for (const path of paths) {
      const file = await readRepositoryFile(folder, path)
      kept += file.content?.length ?? 0
      if (kept > MOST_SMALL) {
        throw new CliError(
          'it has more than 200 MB of small files: is it MicroMDM’s file repository?',
        )
      }
      files.push(file)
    }
    return { files, skipped }
  } catch (error) {
    throw new CliError(`--filerepo ${folder}: ${faultOfFile(error)}`)
  }
}

function pathsIn(folder: string): { paths: string[]; skipped: string[] } {
  const [paths, skipped]: [string[], string[]] = [[], []]
  const open = ['']
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    for (const entry of readdirSync(join(folder, at), { withFileTypes: true })) {
      const path = at === '' ? entry.name : `${at}/${entry.name}`
      if (NO_TEXT.test(path) || path.length > MAX_PATH) {
        skipped.push(path.replaceAll(new RegExp(NO_TEXT, 'g'), '\ufffd').slice(0, MAX_PATH))
      } else if (entry.isDirectory()) {
        open.push(path)
      } else {
        ;(entry.isFile() ? paths : skipped).push(path)
      }
      if (paths.length > MOST_FILES) {
        throw new CliError('it has more than 10,000 files: is it MicroMDM’s file repository?')
      }
    }
  }
  return { paths: paths.sort(), skipped: skipped.sort() }
}

async function readRepositoryFile(folder: string, path: string): Promise<RepositoryFile> {
  const file = join(folder, path)
  const { size } = statSync(file)
  if (size <= SMALL) {
    const content = readFileSync(file)
    return { path, size: content.length, sha256: sha256(content), content }
  }
  const hash = createHash('sha256')
  await pipeline(createReadStream(file), hash)
  return { path, size, sha256: hash.digest('hex') }
}
