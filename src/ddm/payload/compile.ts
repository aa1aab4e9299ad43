import type { DeclarationPayload } from '../../apple/declarations.ts'
import { contentToken } from './canonical.ts'
import type { DeclarationItem } from '../item.ts'
import type { Hosted } from '../files.ts'
import { declarationNeeds } from './needs.ts'
import { referencesOf } from './references.ts'
import { variablesOf } from './variables.ts'

/** What objects decide by, of one content. */
export type CompiledItem = Omit<DeclarationItem, 'identifier' | 'rollout'>

/**
 * Reads from a content all that decides who is offered it.
 *
 * @param text the payload as JSON, as devices get it but for the variables
 * @param hosted the files that it names
 * @throws PayloadError if the payload is not JSON
 */
export function compileItem(
  { type, payload, text }: Compilable,
  { sha256s: files, profiles }: Hosted = { sha256s: [], profiles: [] },
): CompiledItem {
  return {
    type,
    token: contentToken(type, text),
    needs: declarationNeeds(type, payload),
    ...referencesOf(type, payload),
    variables: variablesOf(payload).filter((name) => name !== ''),
    files,
    ...(profiles.length > 0 && { profiles }),
  }
}

export interface Compilable {
  readonly type: string
  /** The same as `text`, parsed. */
  readonly payload: DeclarationPayload
  readonly text: string
}
