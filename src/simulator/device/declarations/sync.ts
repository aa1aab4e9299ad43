/** Brings the declarations of a device up to date (Apple: "Integrating declarative management"). */
import { type ServerAnswer, isDelivered } from '../wire.ts'
import {
  type Declaration,
  type ListedDeclaration,
  receiveDeclaration,
  readManifest,
  readSyncToken,
} from './declaration.ts'
import type { TakeFault } from './faults.ts'

/** The declarations that a device has, by identifier. */
export interface Kept {
  /** The DeclarationsToken of the last manifest that it has read to its end. */
  token: string | undefined
  held: ReadonlyMap<string, Declaration>
}

/** Sends one check-in. */
export type AskServer = (endpoint: string, data?: Uint8Array) => Promise<ServerAnswer>

/** A server whose manifest changes more often in one synchronisation has lost the device. */
const MOST_MANIFESTS = 10

/**
 * Compares the token that the server offers, or its `tokens`, with the kept one. While they differ it reads
 * the manifest and fetches what is new. A manifest is kept only when all of its fetches succeeded.
 *
 * @returns whether it read a manifest
 * @throws Error with the server's answer; the manifests before it are kept
 */
export async function fetchDeclarations(
  kept: Kept,
  ask: AskServer,
  takeFault: TakeFault,
  offered: string | undefined,
): Promise<boolean> {
  let wanted = offered ?? (await askTokens(ask))
  let manifests = 0
  while (wanted !== kept.token || takeFault('never-settles')) {
    if (wanted !== kept.token) {
      if (manifests === MOST_MANIFESTS) {
        break
      }
      manifests++
      await readAll(kept, ask, takeFault)
    }
    wanted = await askTokens(ask)
  }
  return manifests > 0
}

async function askTokens(ask: AskServer): Promise<string> {
  return readSyncToken(await body(ask, 'tokens'))
}

async function readAll(kept: Kept, ask: AskServer, takeFault: TakeFault): Promise<void> {
  const { token, items } = readManifest(await body(ask, 'declaration-items'))
  const held = new Map(kept.held)
  for (const item of items) {
    const own = held.get(item.identifier)
    if (own?.token !== item.token || own.kind !== item.kind) {
      const fetched = await fetchOne(item, ask)
      if (fetched) {
        held.set(item.identifier, fetched)
      } else if (!takeFault('ignores-404')) {
        held.delete(item.identifier)
      }
    }
  }
  // Removed ones go after all fetches.
  const listed = new Set(items.map(({ identifier }) => identifier))
  kept.held = new Map([...held].filter(([identifier]) => listed.has(identifier)))
  kept.token = token
}

/** `undefined` when the server says that the declaration is gone. @throws Error for other answers */
async function fetchOne(item: ListedDeclaration, ask: AskServer): Promise<Declaration | undefined> {
  const endpoint = `declaration/${item.kind}/${item.identifier}`
  const answer = await ask(endpoint)
  return answer.status === 404 ? undefined : receiveDeclaration(delivered(answer, endpoint), item)
}

async function body(ask: AskServer, endpoint: string): Promise<Uint8Array> {
  return delivered(await ask(endpoint), endpoint)
}

/** @throws Error when the server did not take the request */
export function delivered(answer: ServerAnswer, endpoint: string): Uint8Array {
  if (!isDelivered(answer)) {
    throw new Error(`the server answered ${endpoint} with HTTP ${answer.status}`)
  }
  return answer.body
}
