/** The kinds of declarations, as `Endpoint` names them, and as the manifest does. */
export const KINDS = {
  activation: 'Activations',
  asset: 'Assets',
  configuration: 'Configurations',
  management: 'Management',
} as const

export type DeclarationKind = keyof typeof KINDS

/** The kind of a declaration by its type, `com.apple.<kind>.…`; `undefined` for other texts. */
export function declarationKind(type: string): DeclarationKind | undefined {
  const [, kind = ''] = /^com\.apple\.([a-z]+)\../.exec(type) ?? []
  return isKind(kind) ? kind : undefined
}

export function isKind(text: string): text is DeclarationKind {
  return Object.hasOwn(KINDS, text)
}
