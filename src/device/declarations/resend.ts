import { isBuiltIn } from '../../ddm/manifest/built-in.ts'
import { declarationsToken } from '../../ddm/manifest/tokens.ts'
import type { ChannelStates } from '../../ddm/states.ts'
import type { Offered } from '../../ddm/manifest/manifest.ts'
import type { Channel } from '../store/channel-row.ts'
import type { Context } from '../store/context.ts'
import { presentManifest, saveManifest } from '../store/manifest-row.ts'
import { channelStates } from './channel-states.ts'
import { ask } from './offer.ts'

/**
 * Lets one channel fetch declarations again, though they have not changed: a device fetches only what has
 * another token.
 */
export function resendDeclarations(
  context: Context,
  channel: Channel,
  {
    identifiers,
    uuid,
  }: { readonly identifiers?: readonly string[] | undefined; readonly uuid: string },
): { readonly count: number; readonly channel?: ChannelStates } {
  const row = presentManifest(context, channel)
  const isMeant = ({ identifier }: Offered): boolean =>
    !isBuiltIn(identifier) && (identifiers?.includes(identifier) ?? true)
  const meant = row?.offered.filter(isMeant) ?? []
  if (!row || meant.length === 0) {
    return { count: 0 }
  }
  const resends = { ...row.resends }
  for (const { identifier } of meant) {
    resends[identifier] = (resends[identifier] ?? 0) + 1
  }
  const offered = row.offered.map((item) =>
    isMeant(item)
      ? { ...item, token: `${item.token.replace(/\.d\d+$/, '')}.d${resends[item.identifier]}` }
      : item,
  )
  const token = declarationsToken(offered)
  const changedAt = Math.max(context.now, row.changedAt + 1000)
  const version = Math.max(context.now, row.version + 1)
  const next = { ...row, offered, token, changedAt, version, resends }
  saveManifest(context, channel, ask(context, channel, next, { uuid, isForced: false }))
  return { count: meant.length, channel: channelStates(context, channel) }
}
