import type { KeyObject } from 'node:crypto'
import { createSealer, type Sealer } from '../pki/seal/seal.ts'
import { OwnError } from '../reason.ts'

/** A key of the ring, by the id that sealed values carry. `control`: the secret `SEAL_KEYS` lacks it. */
export interface RingKey {
  readonly id: string
  readonly place: 'secret' | 'control'
}

export interface SealRing {
  readonly sealer: Sealer
  /** Newest first. */
  readonly keys: readonly RingKey[]
  /** See `Config.repeatKey`. */
  readonly repeatKey: KeyObject
  /** One token for enrolment links from each key: a Worker cannot write a secret of its own. */
  readonly enrollTokens: readonly string[]
}

/**
 * The ring of these secrets, and behind them the keys that Control alone holds (docs/claim.md §2): what
 * derives from the ring stays the same when its keys move from one place to the other.
 *
 * @param secrets `SEAL_KEYS`; empty if it is not set
 * @param held the keys that Control holds, in the same form
 * @throws SealError or OwnError for a ring that cannot be used
 */
export function joinRings(secrets: string, held: string): SealRing {
  const own = secrets === '' ? [] : createSealer(secrets).keyIds
  const more = entriesOf(held).filter((entry) => !own.includes(idOf(entry)))
  const sealer = createSealer([secrets, ...more].join(','))
  const [newest, ...older] = sealer.derive('edgemdm repeated request')
  return {
    sealer,
    keys: sealer.keyIds.map((id) => ({ id, place: own.includes(id) ? 'secret' : 'control' })),
    repeatKey: older.at(-1) ?? newest,
    // Hex, because mail programs end a link before a hyphen that is its last character.
    enrollTokens: sealer
      .derive('edgemdm enrolment token')
      .map((key) => key.export().toString('hex').slice(0, 32)),
  }
}

/** @throws OwnError for a key that repeats one byte: it is an example */
export function refuseConstantKeys(ring: string): void {
  const constant = entriesOf(ring).findIndex(
    (entry) => new Set(Buffer.from(entry.slice(entry.indexOf(':') + 1), 'base64')).size === 1,
  )
  if (constant >= 0) {
    throw new OwnError(
      `entry ${constant + 1} repeats one byte: make a key with \`openssl rand -base64 32\``,
    )
  }
}

function entriesOf(ring: string): string[] {
  return ring.split(/[\s,]+/).filter((entry) => entry !== '')
}

function idOf(entry: string): string {
  return createSealer(entry).keyIds.join()
}
