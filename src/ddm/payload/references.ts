/** The declarations that a payload names. */
import {
  declarationSchema,
  describedIn,
  type DeclarationPayload,
} from '../../apple/declarations.ts'

export interface Reference {
  /** Below the payload. */
  readonly path: readonly (string | number)[]
  readonly identifier: string
  /** The types that the asset may have; undefined if it is a configuration. */
  readonly types: readonly string[] | undefined
}

/** All references of a payload. A type that Apple does not document has none. */
export function referencesIn(type: string, payload: DeclarationPayload): readonly Reference[] {
  const schema = declarationSchema(type)
  if (schema === undefined) {
    return []
  }
  return [...describedIn(payload, schema)].flatMap(({ path, value, schema: { assets } }) => {
    const refers = assets !== undefined || path[0] === 'StandardConfigurations'
    return refers && typeof value === 'string' ? [{ path, identifier: value, types: assets }] : []
  })
}

/** The identifiers of the assets and configurations that a payload names, each once. */
export function referencesOf(
  type: string,
  payload: DeclarationPayload,
): { readonly assets: readonly string[]; readonly configurations: readonly string[] } {
  const { assets = [], configurations = [] } = Object.groupBy(
    referencesIn(type, payload),
    ({ types }) => (types ? 'assets' : 'configurations'),
  )
  return { assets: identifiersOf(assets), configurations: identifiersOf(configurations) }
}

function identifiersOf(references: readonly Reference[]): readonly string[] {
  return [...new Set(references.map(({ identifier }) => identifier))]
}

/** The assets that a payload names, each with the types that it may have there. */
export function expectedAssetTypes(
  type: string,
  payload: DeclarationPayload,
): readonly (Reference & { readonly types: readonly string[] })[] {
  return referencesIn(type, payload).flatMap(({ types, ...rest }) =>
    types ? [{ ...rest, types }] : [],
  )
}
