import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { basename, resolve } from 'node:path'
import { causeOf } from '../api-client.ts'
import { CliError, faultOfFile, messageOf } from '../error.ts'
import type { MoveSource } from './arguments.ts'

/** A copy of what another server has. */
export interface Copy {
  /** Of the file, or the address of the server. */
  readonly name: string
  readonly bytes: Uint8Array
}

const BACKUP = '/boltbackup'
/** Of names, by the API. */
const MAX_NAME = 255

/** Reads a file whole, or fetches a copy from a running MicroMDM. @throws CliError */
export async function readCopy(
  source: Exclude<MoveSource, { kind: 'bindings' }>,
  ports: { readonly fetch: typeof fetch },
): Promise<Copy> {
  if (source.kind === 'server') {
    return fetchBackup(source, ports)
  }
  try {
    return { name: nameOf(source.path), bytes: readFileSync(source.path) }
  } catch (error) {
    const fault = faultOfFile(error)
    const isMissing = !existsSync(source.path)
    const hint = isMissing ? '. An option begins with --, and a URL with https://' : ''
    throw new CliError(`${source.path}: ${fault}${hint}`)
  }
}

/** How a path is shown. */
export function nameOf(path: string): string {
  return basename(resolve(path)).slice(-MAX_NAME)
}

/** Hexadecimal, in lower case. */
export function sha256(...parts: readonly (Uint8Array | string)[]): string {
  const hash = createHash('sha256')
  for (const part of parts) {
    hash.update(part)
  }
  return hash.digest('hex')
}

async function fetchBackup(
  { url, apiKey }: Extract<MoveSource, { kind: 'server' }>,
  ports: { readonly fetch: typeof fetch },
): Promise<Copy> {
  const address = url.endsWith(BACKUP) ? url : url + BACKUP
  const { host, pathname } = new URL(address)
  const lost = (error: unknown): never => {
    throw new CliError(`${host} does not answer: ${messageOf(causeOf(error))}`)
  }
  const response = await ports
    .fetch(address, {
      headers: { authorization: `Basic ${Buffer.from(`micromdm:${apiKey}`).toString('base64')}` },
      // The API key goes only to the server that was named.
      redirect: 'manual',
    })
    .catch(lost)
  if (response.status !== 200) {
    const to = response.headers.get('location')
    throw new CliError(
      `${host}${pathname} answered ${response.status}` +
        (to === null
          ? ': check --from-api-key, and that it is MicroMDM'
          : ` and leads to ${to}: name that server`),
    )
  }
  const bytes = new Uint8Array(await response.arrayBuffer().catch(lost))
  return { name: host.slice(0, MAX_NAME), bytes }
}
