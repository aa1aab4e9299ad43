import { isBuiltIn } from '../../ddm/manifest/built-in.ts'
import { isKind } from '../../ddm/kinds.ts'
import type { Offered } from '../../ddm/manifest/manifest.ts'
import { declarationsToken, itemsJson, tokensJson } from '../../ddm/manifest/tokens.ts'
import type { Channel } from '../store/channel-row.ts'
import type { Context } from '../store/context.ts'
import { presentManifest, saveManifest } from '../store/manifest-row.ts'
import type { ManifestRow } from '../store/rows/manifest.ts'
import { builtIns } from './built-in.ts'

/** The answer to a request for declarations. */
export type DeclarationAnswer =
  | { readonly kind: 'json'; readonly text: string }
  /** The catalog has the payload. */
  | {
      readonly kind: 'body'
      readonly identifier: string
      readonly content: string
      readonly serverToken: string
      readonly keep?: readonly string[]
      readonly values?: Readonly<Record<string, string>>
    }
  /** The channel is not offered it: the device removes what it has of that name. */
  | { readonly kind: 'gone' }
  | { readonly kind: 'unknown_endpoint' }

const NOTHING: Pick<ManifestRow, 'token' | 'offered' | 'changedAt'> = {
  token: declarationsToken([]),
  offered: [],
  changedAt: 0,
}

/**
 * Answers `tokens`, `declaration-items` and `declaration/{kind}/{identifier}` from the channel's row (Apple,
 * "DeclarativeManagementRequest"). A channel that was never offered anything has the empty list.
 *
 * @param fetches the device itself asks, and so has the list after this
 */
export function answerEndpoint(
  context: Context,
  channel: Channel | undefined,
  endpoint: string,
  fetches: boolean,
): DeclarationAnswer {
  const row = channel && presentManifest(context, channel)
  const { token, offered, changedAt } = row ?? NOTHING
  if (endpoint === 'tokens') {
    return { kind: 'json', text: tokensJson(token, changedAt) }
  }
  if (endpoint === 'declaration-items') {
    if (fetches && channel && row && row.seen !== token) {
      // The states tell whether the device has its list, so they are newer.
      const version = Math.max(context.now, row.version + 1)
      saveManifest(context, channel, { ...row, seen: token, version })
    }
    return { kind: 'json', text: itemsJson(token, offered) }
  }
  const [first, kind = '', ...rest] = endpoint.split('/')
  const identifier = rest.join('/')
  if (first !== 'declaration' || !isKind(kind) || identifier === '') {
    return { kind: 'unknown_endpoint' }
  }
  const item = offered.find((one) => one.kind === kind && one.identifier === identifier)
  return channel && item ? declarationAt(context, channel, item) : { kind: 'gone' }
}

function declarationAt(context: Context, channel: Channel, item: Offered): DeclarationAnswer {
  const { identifier, content, token: serverToken, keep, values } = item
  const own = isBuiltIn(identifier)
    ? builtIns(context, channel).find((one) => one.identifier === identifier)
    : undefined
  if (own) {
    const { type: Type, payload: Payload } = own
    const text = { Type, Identifier: identifier, ServerToken: serverToken, Payload }
    return { kind: 'json', text: JSON.stringify(text) }
  }
  return {
    kind: 'body',
    identifier,
    content,
    serverToken,
    ...(keep && { keep }),
    ...(values && { values }),
  }
}
