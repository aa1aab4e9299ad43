import type { ChannelFacts } from '../../ddm/facts.ts'
import { declarationKind, type DeclarationKind } from '../../ddm/kinds.ts'
import type { Reason, Reported, StateEntry } from '../../ddm/states.ts'
import { enrollmentId } from '../../mdm/enrollment.ts'
import type { Channel } from '../store/channel-row.ts'
import type { Context } from '../store/context.ts'
import { presentManifest } from '../store/manifest-row.ts'
import { statesIn } from './channel-states.ts'
import { channelFacts } from './facts.ts'
import { keptReports, loadStatus, type KeptReport } from './status-rows.ts'

/** A declaration of a channel. A withheld one has a sentence as `code`, and no report. */
export interface DeclarationView extends StateEntry {
  readonly type: string
  readonly kind: DeclarationKind | undefined
  readonly serverToken: string
  readonly active: boolean
  /** `unknown`, `valid`, `invalid`, or empty without a report. */
  readonly valid: string
  /** The token in the last report; empty without one. */
  readonly reportedToken: string
  readonly reasons: readonly Reason[]
}

/** What a channel is offered, and what its device says. Times are milliseconds. */
export interface DeclarationsView {
  readonly enrollment: string
  /** Whether the channel was ever offered something. */
  readonly on: boolean
  readonly token: string
  readonly changedAt: number
  /** Whether the device has fetched the list. */
  readonly synced: boolean
  readonly revision: number
  readonly reportedAt: number
  readonly facts: ChannelFacts
  readonly declarations: readonly DeclarationView[]
  readonly items: readonly { readonly name: string; readonly value: unknown; readonly at: number }[]
  readonly errors: readonly {
    readonly item: string
    readonly reasons: readonly Reason[]
    readonly at: number
  }[]
  readonly reports: readonly Omit<KeptReport, 'text'>[]
}

export function viewDeclarations(context: Context, channel: Channel): DeclarationsView {
  const manifest = presentManifest(context, channel)
  const status = loadStatus(context, channel)
  const offered = new Map(manifest?.offered.map((item) => [item.identifier, item]))
  const types = new Map(manifest?.withheld.map((item) => [item.identifier, item.type]))
  const states = manifest ? statesIn(manifest, status.declarations) : []
  return {
    enrollment: enrollmentId(context.name, channel.user),
    on: manifest !== undefined,
    token: manifest?.token ?? '',
    changedAt: manifest?.changedAt ?? 0,
    synced: manifest !== undefined && manifest.seen === manifest.token,
    revision: manifest?.revision ?? 0,
    reportedAt: manifest?.reportedAt ?? 0,
    facts: channelFacts(context, channel),
    declarations: states.map((entry) => {
      const item = offered.get(entry.identifier)
      const type = item?.type ?? types.get(entry.identifier) ?? ''
      const reported = item && status.declarations.get(entry.identifier)
      const kind = item?.kind ?? declarationKind(type)
      return { ...entry, type, kind, serverToken: item?.token ?? '', ...reportOf(reported) }
    }),
    items: [...status.items].map(([name, { value, at }]) => ({ name, value, at })),
    errors: [...status.errors.values()],
    reports: keptReports(context, channel).map(withoutText),
  }
}

function withoutText({ id, at, bytes, full, malformed }: KeptReport): Omit<KeptReport, 'text'> {
  return { id, at, bytes, full, malformed }
}

function reportOf(
  reported: Reported | undefined,
): Pick<DeclarationView, 'active' | 'valid' | 'reportedToken' | 'reasons'> {
  return reported
    ? {
        active: reported.active,
        valid: reported.valid,
        reportedToken: reported.token,
        reasons: reported.reasons,
      }
    : { active: false, valid: '', reportedToken: '', reasons: [] }
}
