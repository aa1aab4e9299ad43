import { shortContent, type ChannelStates, type StateEntry } from '../../ddm/states.ts'
import type { ReportedDeclaration } from '../../ddm/status/report.ts'
import type { ChannelStatus } from '../../ddm/status/merge.ts'
import { stateOf } from '../../ddm/status/declaration-state.ts'
import { enrollmentId } from '../../mdm/enrollment.ts'
import type { Channel } from '../store/channel-row.ts'
import type { Context } from '../store/context.ts'
import { presentManifest } from '../store/manifest-row.ts'
import type { ManifestRow } from '../store/rows/manifest.ts'
import { isBuiltIn } from '../../ddm/manifest/built-in.ts'
import { updateReport } from '../../ddm/updates/report.ts'
import { loadStatus } from './status-rows.ts'

type ReportedAt = ReportedDeclaration & { readonly at: number }

/** The states of a channel's declarations, for the directory. Those of the server itself are left out. */
export function channelStates(
  context: Context,
  channel: Channel,
  { declarations, items }: ChannelStatus = loadStatus(context, channel),
): ChannelStates {
  const manifest = presentManifest(context, channel)
  return {
    enrollment: enrollmentId(context.name, channel.user),
    version: manifest?.version ?? 0,
    revision: manifest?.revision ?? 0,
    synced: manifest !== undefined && manifest.seen === manifest.token,
    reportedAt: manifest?.reportedAt ?? 0,
    ...(channel.user === '' && { updates: updateReport((name) => items.get(name)?.value) }),
    states: manifest ? statesIn(manifest, declarations) : [],
  }
}

/** @param reported by identifier */
export function statesIn(
  { offered, withheld, changedAt }: ManifestRow,
  reported: ReadonlyMap<string, ReportedAt>,
): StateEntry[] {
  return [
    ...offered
      .filter(({ identifier }) => !isBuiltIn(identifier))
      .map(({ identifier, token, kind, content }) => {
        const one = reported.get(identifier)
        const { state, code } = stateOf(one, token, kind)
        const since = state === 'pending' ? changedAt : (one?.at ?? changedAt)
        return { identifier, state, code, content: shortContent(content), since }
      }),
    ...withheld.map(({ identifier, reason }) => ({
      identifier,
      state: 'withheld' as const,
      code: reason,
      content: '',
      since: changedAt,
    })),
  ]
}
