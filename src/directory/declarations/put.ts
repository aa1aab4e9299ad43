import { isObject } from '../../apple/declarations.ts'
import { OWN_PREFIX } from '../../ddm/manifest/built-in.ts'
import { checkDeclaration, type DeclarationFault } from '../../ddm/payload/check.ts'
import { canonicalJson, PayloadError } from '../../ddm/payload/canonical.ts'
import { compileItem, type CompiledItem } from '../../ddm/payload/compile.ts'
import type { DeclarationItem, Rollout } from '../../ddm/item.ts'
import { declarationKind } from '../../ddm/kinds.ts'
import { expectedAssetTypes, referencesOf } from '../../ddm/payload/references.ts'
import type { DeclarationPayload } from '../../apple/declarations.ts'
import { loadCatalog, type Catalog } from './catalog.ts'
import type { ChangeTime } from './changes.ts'
import { readDeclaration, storeDeclaration, type Stored } from './edit.ts'
import { expandStored } from './files.ts'

/** A declaration as an admin sends it. */
export interface SentDeclaration {
  readonly identifier: string
  readonly type: string
  /** JSON. */
  readonly payload: string
  /** Where devices reach this server: files that the payload names have URLs there. */
  readonly origin: string
  /** It is stored even if Apple's schema does not have it. */
  readonly force?: boolean
  /** Only this share of the devices gets the new content now (percent). */
  readonly percent?: number
  /** It is stored only if this is its version; 0: if there is none. */
  readonly ifVersion?: number | undefined
  /** The server's own: its identifier is reserved. */
  readonly isOwn?: boolean
}

export interface Refused {
  readonly kind: 'refused'
  readonly faults: readonly DeclarationFault[]
  /** It would be stored with `force`. */
  readonly mayForce: boolean
}

type Checked =
  | Refused
  | {
      readonly kind: 'accepted'
      readonly payload: DeclarationPayload
      readonly warnings: readonly string[]
    }

/** It has another version than the caller knows; 0: there is none. */
export interface OtherVersion {
  readonly kind: 'moved'
  readonly version: number
}

export type Put = Refused | OtherVersion | (Stored & { readonly warnings: readonly string[] })

/** Octets. Apple gives no bound; KMFDDM's storages take no longer ones. */
export const MAX_ID_OCTETS = 64
/** Characters. */
const MAX_PAYLOAD = 1_000_000
const MAX_DECLARATIONS = 5000
const CONTROL = /[\p{Cc}\p{Cs}]/u

/** Checks a declaration, and stores it. The caller lets devices hear of it. */
export async function putDeclaration(
  d1: D1Database,
  sent: SentDeclaration,
  when: ChangeTime,
): Promise<Put> {
  const catalog = await loadCatalog(d1)
  const compiled = await compileSent(d1, sent, catalog)
  if (compiled.kind === 'refused') {
    return compiled
  }
  const moved = await movedFrom(d1, sent)
  if (moved) {
    return moved
  }
  const { identifier, type, payload, percent, ifVersion } = sent
  const { item, served, warnings } = compiled
  const present = catalog.items.get(identifier)
  const rollout = percent === undefined ? undefined : { percent, before: contentBefore(present) }
  const declaration = { identifier, type, payload, served, item, ...(rollout && { rollout }) }
  try {
    return { ...(await storeDeclaration(d1, { ...declaration, ifVersion }, when)), warnings }
  } catch (error) {
    const overtaken = await movedFrom(d1, sent)
    if (overtaken) {
      return overtaken
    }
    throw error
  }
}

async function movedFrom(
  d1: D1Database,
  { identifier, ifVersion }: SentDeclaration,
): Promise<OtherVersion | undefined> {
  if (ifVersion === undefined) {
    return undefined
  }
  const { version = 0 } = (await readDeclaration(d1, identifier)) ?? {}
  return version === ifVersion ? undefined : { kind: 'moved', version }
}

export type Compiled =
  | Refused
  | {
      readonly kind: 'compiled'
      readonly item: CompiledItem
      /** The payload with the URLs of hosted files; empty if it names none. */
      readonly served: string
      readonly warnings: readonly string[]
    }

/** Checks a declaration, and reads what decides who is offered it. Nothing is stored. */
export async function compileSent(
  d1: D1Database,
  sent: SentDeclaration,
  catalog: Catalog,
): Promise<Compiled> {
  const checked = checkSent(sent, catalog)
  if (checked.kind === 'refused') {
    return checked
  }
  const { type, payload: text, origin } = sent
  const { payload, warnings } = checked
  const expanded = await expandStored(d1, payload, origin)
  if ('fault' in expanded) {
    const faults = [{ path: ['Payload'], detail: expanded.fault }]
    return { kind: 'refused', faults, mayForce: false }
  }
  const served = expanded.names.length > 0 ? JSON.stringify(expanded.payload) : ''
  const item = compileItem({ type, payload, text: served || text }, expanded)
  return { kind: 'compiled', item, served, warnings }
}

/** What devices outside of the share keep: the content before, also before an earlier roll-out. */
function contentBefore(present: DeclarationItem | undefined): Rollout['before'] {
  if (!present) {
    return undefined
  }
  const { identifier: _, rollout, ...content } = present
  return rollout ? rollout.before : content
}

/** What a predicate lacks is refused always: it stops a device's engine. */
function checkSent(sent: SentDeclaration, catalog: Catalog): Checked {
  const { identifier, type, force = false } = sent
  const faults = identifierFaults(sent, catalog)
  if (declarationKind(type) === undefined) {
    const detail =
      'has to begin with com.apple.activation, .asset, .configuration or .management, and a name'
    faults.push({ path: ['Type'], detail })
  }
  const read = readPayload(sent.payload)
  if ('fault' in read) {
    faults.push({ path: ['Payload'], detail: read.fault })
  }
  if (faults.length > 0 || 'fault' in read) {
    return { kind: 'refused', faults, mayForce: false }
  }
  const { payload } = read
  const found = checkDeclaration(type, payload)
  const grave = found.faults.filter(({ path }) => path.at(-1) === 'Predicate')
  const refused = force ? grave : found.faults
  return refused.length > 0
    ? { kind: 'refused', faults: refused, mayForce: grave.length === 0 }
    : {
        kind: 'accepted',
        payload,
        warnings: [
          ...(force ? found.faults.map(({ path, detail }) => `${path.join('.')}: ${detail}`) : []),
          ...found.warnings,
          ...referenceWarnings(identifier, type, payload, catalog),
        ],
      }
}

function identifierFaults(
  { identifier, isOwn }: SentDeclaration,
  { items }: Catalog,
): DeclarationFault[] {
  const path = ['Identifier']
  const { length } = new TextEncoder().encode(identifier)
  if (length === 0 || length > MAX_ID_OCTETS) {
    return [{ path, detail: `has to have 1 to ${MAX_ID_OCTETS} octets` }]
  }
  if (CONTROL.test(identifier) || identifier.trim() !== identifier) {
    return [{ path, detail: 'may not hold control characters, or blanks at an end' }]
  }
  if (!isOwn && identifier.startsWith(OWN_PREFIX)) {
    return [{ path, detail: `may not begin with ${OWN_PREFIX}: the server uses such names` }]
  }
  return !items.has(identifier) && items.size >= MAX_DECLARATIONS
    ? [{ path, detail: `is new, and there are ${MAX_DECLARATIONS} declarations already` }]
    : []
}

function readPayload(text: string): { payload: DeclarationPayload } | { fault: string } {
  if (text.length > MAX_PAYLOAD) {
    return { fault: `is longer than ${MAX_PAYLOAD} bytes: host the data, and name it in an asset` }
  }
  try {
    canonicalJson(text)
  } catch (error) {
    if (error instanceof PayloadError) {
      return { fault: error.message }
    }
    throw error
  }
  const payload: unknown = JSON.parse(text)
  return isObject(payload) ? { payload } : { fault: 'has to be a JSON object' }
}

function referenceWarnings(
  identifier: string,
  type: string,
  payload: DeclarationPayload,
  { items }: Catalog,
): readonly string[] {
  const { assets, configurations } = referencesOf(type, payload)
  const missing = [...assets, ...configurations].filter((name) => !items.has(name))
  const wrong = expectedAssetTypes(type, payload).flatMap(({ identifier: name, types }) => {
    const found = items.get(name)?.type
    return found === undefined || types.includes(found)
      ? []
      : [`${name} is a ${found}, and here has to be ${types.join(' or ')}`]
  })
  return [
    ...missing.map((name) => `there is no declaration ${name}: ${identifier} waits for it`),
    ...wrong,
  ]
}
