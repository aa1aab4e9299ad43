import { createSealer } from '../../pki/seal/seal.ts'
import { CliError } from '../error.ts'

/** A seal key as the API lists it. */
export interface ListedSealKey {
  readonly id: string
  readonly place: 'secret' | 'control'
  readonly in_control: boolean
}

/**
 * The value of `SEAL_KEYS` with all keys of the server, in its order.
 *
 * @param stored the value that this machine keeps already
 * @param reveal asks the server for the keys that Control holds: only if one of them is not stored
 * @throws CliError for a key that neither has, and for a file of another server
 */
export async function joinedRing(
  keys: readonly ListedSealKey[],
  stored: string | undefined,
  file: string,
  reveal: () => Promise<string>,
): Promise<string> {
  const known = entriesById(stored)
  const foreign = [...known.keys()].find((id) => keys.every((key) => key.id !== id))
  if (foreign !== undefined) {
    throw new CliError(
      `${file} has the seal key ${foreign}, which this server does not have: name its own deployment with ` +
        '--name, or move that file away',
    )
  }
  const isComplete = keys.every(({ id, in_control: isHeld }) => !isHeld || known.has(id))
  const all = isComplete ? known : new Map([...known, ...entriesById(await reveal())])
  const lost = keys.find(({ id }) => !all.has(id))
  if (lost) {
    throw new CliError(
      `the secret SEAL_KEYS of the Worker has the key ${lost.id}, which no call shows: write SEAL_KEYS ` +
        `with it into ${file}, as {"SEAL_KEYS": "…"}, and run this again`,
    )
  }
  return keys.map(({ id }) => all.get(id)).join(',')
}

function entriesById(ring = ''): Map<string, string> {
  const entries = ring.split(/[\s,]+/).filter((entry) => entry !== '')
  return new Map(entries.map((entry) => [createSealer(entry).keyIds.join(), entry]))
}
