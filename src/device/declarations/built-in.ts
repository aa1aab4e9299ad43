import { offeredBuiltIn, ownSubscription, type BuiltIn } from '../../ddm/manifest/built-in.ts'
import type { Manifest } from '../../ddm/manifest/manifest.ts'
import { declarationsToken } from '../../ddm/manifest/tokens.ts'
import type { Channel } from '../store/channel-row.ts'
import type { Context } from '../store/context.ts'
import { supportedItems } from './facts.ts'

/** The server's own declarations for a channel. */
export function builtIns(context: Context, channel: Channel): readonly BuiltIn[] {
  return ownSubscription(supportedItems(context, channel))
}

/**
 * The manifest with the server's own subscription to status items, so that it knows the truth about the
 * device. A channel without declarations gets none.
 */
export function withBuiltIn(context: Context, channel: Channel, manifest: Manifest): Manifest {
  if (manifest.offered.length === 0) {
    return manifest
  }
  const offered = [...manifest.offered, ...builtIns(context, channel).map(offeredBuiltIn)].toSorted(
    (one, other) => (one.identifier < other.identifier ? -1 : 1),
  )
  return { ...manifest, offered, token: declarationsToken(offered) }
}
