import { hash } from 'node:crypto'
import type { ChannelFacts } from '../facts.ts'
import type { DeclarationItem } from '../item.ts'
import { declarationKind } from '../kinds.ts'
import { declarationsToken, type ManifestItem } from './tokens.ts'
import { withheldBecause } from './withhold.ts'

/** A declaration that a channel is offered. */
export interface Offered extends ManifestItem {
  readonly type: string
  /** Names the payload in the catalog. */
  readonly content: string
  /** Of an activation that names withheld configurations: those that are left. */
  readonly keep?: readonly string[]
  /** The values of its variables. */
  readonly values?: Readonly<Record<string, string>>
  /** SHA-256 of the hosted files that it names. */
  readonly files?: readonly string[]
  /** The PayloadIdentifiers of the hosted profiles that it names. */
  readonly profiles?: readonly string[]
}

/** A declaration that a channel is not offered, and why. */
export interface Withheld {
  readonly identifier: string
  readonly type: string
  readonly reason: string
}

export interface Manifest {
  readonly offered: readonly Offered[]
  readonly withheld: readonly Withheld[]
  /** The DeclarationsToken. */
  readonly token: string
}

/** What a channel is, to a manifest. */
export interface Recipient {
  readonly facts: ChannelFacts
  /** Decides about staged roll-outs: always the same for one channel. */
  readonly id: string
  /** The values of the variables that the channel has. */
  readonly values: Readonly<Record<string, string>>
  /** How often a declaration was resent to this channel. */
  readonly resends: Readonly<Record<string, number>>
}

/** How many declarations a channel is offered. */
export const MAX_OFFERED = 2000

/**
 * What a channel is offered of its declarations, and what is withheld, each with the reason. A declaration
 * whose asset is withheld is withheld too. An activation keeps those of its configurations that are offered.
 */
export function manifestOf(items: readonly DeclarationItem[], recipient: Recipient): Manifest {
  const reasons = new Map<string, string>()
  const chosen: DeclarationItem[] = []
  for (const item of items) {
    const version = versionFor(item, recipient.id)
    const reason = version ? reasonToWithhold(version, recipient) : NOT_YET
    chosen.push(version ?? item)
    if (reason !== undefined) {
      reasons.set(item.identifier, reason)
    }
  }
  const present = new Set(chosen.map(({ identifier }) => identifier))
  const isOffered = (identifier: string): boolean =>
    present.has(identifier) && !reasons.has(identifier)
  withholdReferrers(chosen, reasons, isOffered)
  for (const { identifier } of chosen
    .filter((one) => isOffered(one.identifier))
    .slice(MAX_OFFERED)) {
    reasons.set(
      identifier,
      `a channel takes ${MAX_OFFERED} declarations: take some out of its sets`,
    )
  }
  const offered = chosen
    .filter(({ identifier }) => isOffered(identifier))
    .flatMap((item) => offeredOf(item, recipient, isOffered))
    .toSorted((one, other) => (one.identifier < other.identifier ? -1 : 1))
  const withheld = chosen
    .filter(({ identifier }) => !isOffered(identifier))
    .map(({ identifier, type }) => ({ identifier, type, reason: reasons.get(identifier) ?? '' }))
  return { offered, withheld, token: declarationsToken(offered) }
}

/** A token begins with the digits that name the content. */
const CONTENT_LENGTH = 32

const NOT_YET = 'its roll-out has not reached this device'

/**
 * The content for a recipient in a staged roll-out. The share of a device depends on the content alone, so a
 * growing percentage only adds devices.
 */
function versionFor(item: DeclarationItem, id: string): DeclarationItem | undefined {
  const { rollout, ...present } = item
  const content = item.token.slice(0, CONTENT_LENGTH)
  if (!rollout || shareOf(`${content}\n${id}`) < rollout.percent) {
    return present
  }
  return rollout.before && { ...present, ...rollout.before }
}

/** A number from 0 to 99. */
function shareOf(text: string): number {
  return Number.parseInt(hash('sha256', text, 'hex').slice(0, 8), 16) % 100
}

function reasonToWithhold(item: DeclarationItem, { facts, values }: Recipient): string | undefined {
  const missing = item.variables.filter((name) => !values[name])
  return missing.length > 0
    ? `this device has no value for ${missing.map((name) => `\${${name}}`).join(', ')}`
    : withheldBecause(item, facts)
}

/** Assets may name assets, and activations name what names assets: it repeats until nothing changes. */
function withholdReferrers(
  items: readonly DeclarationItem[],
  reasons: Map<string, string>,
  isOffered: (identifier: string) => boolean,
): void {
  let before: number
  do {
    before = reasons.size
    for (const { identifier, assets, configurations } of items) {
      const asset = assets.find((one) => !isOffered(one))
      if (reasons.has(identifier)) {
        continue
      }
      if (asset !== undefined) {
        reasons.set(identifier, `it names ${asset}, which is ${whyNot(asset, reasons)}`)
      } else if (configurations.length > 0 && !configurations.some(isOffered)) {
        const [first = ''] = configurations
        reasons.set(identifier, `it activates ${first}, which is ${whyNot(first, reasons)}`)
      }
    }
  } while (reasons.size > before)
}

function whyNot(identifier: string, reasons: ReadonlyMap<string, string>): string {
  return reasons.has(identifier) ? 'withheld' : 'in none of the sets of this device'
}

function offeredOf(
  item: DeclarationItem,
  { values, resends }: Recipient,
  isOffered: (identifier: string) => boolean,
): Offered[] {
  const { identifier, type, variables, files, profiles } = item
  const kind = declarationKind(type)
  if (!kind) {
    return []
  }
  const keep = item.configurations.filter(isOffered)
  const isTrimmed = keep.length < item.configurations.length
  const used = Object.fromEntries(variables.map((name) => [name, values[name] ?? '']))
  const resent = resends[identifier]
  const token = [
    item.token,
    ...(isTrimmed || variables.length > 0 ? [digest([keep, used])] : []),
    ...(resent === undefined ? [] : [`d${resent}`]),
  ].join('.')
  return [
    {
      kind,
      identifier,
      type,
      token,
      content: item.token.slice(0, CONTENT_LENGTH),
      ...(isTrimmed ? { keep } : {}),
      ...(variables.length > 0 ? { values: used } : {}),
      ...(files.length > 0 ? { files } : {}),
      ...(profiles ? { profiles } : {}),
    },
  ]
}

/** Short, because a ServerToken has 64 octets at most. */
function digest(value: unknown): string {
  return hash('sha256', JSON.stringify(value), 'hex').slice(0, 12)
}
