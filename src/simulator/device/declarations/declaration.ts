/** The server's answers about declarations (Apple: "Declarative Management"). */
import { createHash } from 'node:crypto'
import { isKind, type DeclarationKind, KINDS, declarationKind } from '../../../ddm/kinds.ts'
import { type JsonRecord, readRecord, recordAt, recordsAt, stringIn } from './json.ts'

/** The names of one content of a declaration. */
export interface ListedDeclaration {
  readonly kind: DeclarationKind
  readonly identifier: string
  readonly token: string
}

export interface Declaration extends ListedDeclaration {
  readonly type: string
  readonly payload: JsonRecord
}

export interface ReceivedManifest {
  readonly token: string
  readonly items: readonly ListedDeclaration[]
}

export const KIND_NAMES: readonly DeclarationKind[] = Object.keys(KINDS).filter(isKind)

/** The DeclarationsToken of a `tokens` answer, or of a command's `Data`. @throws Error */
export function readSyncToken(body: Uint8Array): string {
  return required(recordAt(readRecord(body), 'SyncTokens'), 'DeclarationsToken')
}

/** @throws Error */
export function readManifest(body: Uint8Array): ReceivedManifest {
  const answer = readRecord(body)
  const lists = recordAt(answer, 'Declarations')
  return {
    token: required(answer, 'DeclarationsToken'),
    items: KIND_NAMES.flatMap((kind) =>
      recordsAt(lists, KINDS[kind]).map((item) => ({
        kind,
        identifier: required(item, 'Identifier'),
        token: required(item, 'ServerToken'),
      })),
    ),
  }
}

/** @throws Error when it is not the declaration that was asked for */
export function receiveDeclaration(body: Uint8Array, asked: ListedDeclaration): Declaration {
  const hash = createHash('sha256').update(body).digest('base64')
  const known = SHARED.get(hash)?.deref()
  if (known?.identifier === asked.identifier && known.kind === asked.kind) {
    return known
  }
  const answer = readRecord(body)
  const type = required(answer, 'Type')
  const declaration = {
    kind: asked.kind,
    identifier: required(answer, 'Identifier'),
    token: required(answer, 'ServerToken'),
    type,
    payload: recordAt(answer, 'Payload'),
  }
  if (declaration.identifier !== asked.identifier || declarationKind(type) !== asked.kind) {
    throw new Error(`the server gave another declaration than ${asked.kind}/${asked.identifier}`)
  }
  if (SHARED.size >= MOST_SHARED) {
    SHARED.clear()
  }
  SHARED.set(hash, new WeakRef(declaration))
  return declaration
}

/** Equal answers are one object: ten thousand simulated devices have the same declarations. */
const SHARED = new Map<string, WeakRef<Declaration>>()
const MOST_SHARED = 10_000

function required(record: JsonRecord, key: string): string {
  const value = stringIn(record, key)
  if (value === '') {
    throw new Error(`the answer has no ${key}`)
  }
  return value
}
