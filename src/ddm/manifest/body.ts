import { expandVariables } from '../payload/variables.ts'

/** A declaration as a channel is offered it. */
interface ForChannel {
  readonly identifier: string
  readonly serverToken: string
  /** Of an activation: the configurations that the channel is offered. */
  readonly keep?: readonly string[]
  readonly values?: Readonly<Record<string, string>>
}

/**
 * The body of `declaration/{kind}/{identifier}` (Apple, "DeclarationBase"). The payload keeps the bytes that
 * the admin wrote, so that no number loses digits.
 *
 * @param content type, and the payload as JSON
 */
export function bodyOf(
  { type, payload }: { readonly type: string; readonly payload: string },
  { identifier, serverToken, keep, values }: ForChannel,
): string {
  const expanded = values ? expandVariables(payload, values) : payload
  const text = keep ? withConfigurations(expanded, keep) : expanded
  const head = JSON.stringify({ Type: type, Identifier: identifier, ServerToken: serverToken })
  return `${head.slice(0, -1)},"Payload":${text}}`
}

function withConfigurations(payload: string, StandardConfigurations: readonly string[]): string {
  return JSON.stringify({ ...JSON.parse(payload), StandardConfigurations })
}
