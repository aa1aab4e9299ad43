/** What a reader notices beside the fleet itself: parts that are odd, and parts that are only kept. */
import { Buffer } from 'node:buffer'

/** Codes for programs; each entry has a sentence for people. */
export type OddCode =
  // the file
  | 'damaged_header'
  | 'lost_pages'
  | 'missing_bucket'
  | 'unknown_bucket'
  | 'key_differs'
  | 'index_differs'
  // devices
  | 'bad_id'
  | 'bad_value'
  | 'empty_record'
  | 'udid_twice'
  | 'serial_shared'
  | 'no_device_record'
  | 'retired'
  | 'blocked'
  // bindings and certificates
  | 'unproven'
  | 'bad_binding'
  | 'binding_shared'
  | 'bad_certificate'
  | 'other_ca'
  | 'expired'
  | 'bad_authority'
  | 'serial_behind'
  // channels and pushes
  | 'push_info_missing'
  | 'user_twice'
  | 'user_without_device'
  | 'user_without_record'
  | 'shared_ipad'
  | 'topic_differs'
  | 'bad_push_certificate'
  // enrolment
  | 'bad_dep'
  // commands
  | 'bad_payload'
  | 'uuid_differs'
  | 'queue_without_device'

export interface OddPart {
  readonly what: OddCode
  /** An id, a key, or a name of the file, of printable characters. */
  readonly about: string
  readonly detail: string
}

export type KeptKind =
  | 'user'
  | 'device'
  | 'push_info'
  | 'queue'
  | 'command'
  | 'binding'
  | 'block'
  | 'certificate'
  | 'authority'
  | 'dep_device'
  | 'dep_token'
  | 'dep_key'
  | 'dep_certificate'
  | 'dep_cursor'
  | 'dep_auto_assigner'

/** A part that has no place in a moved device: base64 of the value as MicroMDM stored it. */
export interface KeptPart {
  readonly kind: KeptKind
  /** Its id, or its key in the file. */
  readonly name: string
  readonly data: string
}

export interface FleetNotes {
  readonly odd: OddPart[]
  readonly kept: KeptPart[]
}

const MAX_TEXT = 500
const MAX_LISTED = 3
/** An id may be what a device sent, and the list is shown in a terminal. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu

export function remark(notes: FleetNotes, what: OddCode, about: string, detail: string): void {
  notes.odd.push({ what, about: printable(about), detail: printable(detail) })
}

function printable(text: string): string {
  return text.slice(0, MAX_TEXT).replaceAll(UNPRINTABLE, '\ufffd')
}

/** The first few of some ids, for a sentence. */
export function listed(ids: readonly string[]): string {
  const more = ids.length > MAX_LISTED ? ` and ${ids.length - MAX_LISTED} more` : ''
  return `${ids.slice(0, MAX_LISTED).join(', ')}${more}`
}

export function keep(notes: FleetNotes, kind: KeptKind, name: string, value: Uint8Array): void {
  notes.kept.push({ kind, name, data: base64Of(value) })
}

/** Standard base64 of bytes, which may be a view of the whole file. */
export function base64Of(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')
}
