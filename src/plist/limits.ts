/** Containers inside containers, the root's being the first, as in CoreFoundation for iOS; deeper documents are depth bombs. */
export const MAX_DEPTH = 128

/**
 * Keys that say who speaks about what. Readers disagree about which duplicate counts, so a message with
 * one could pass as two devices; elsewhere the last wins, as in CoreFoundation.
 */
const ID_KEYS: ReadonlySet<string> = new Set([
  'UDID',
  'EnrollmentID',
  'UserID',
  'EnrollmentUserID',
  'MessageType',
  'Status',
  'CommandUUID',
])

/** Whether a document with `key` twice in the dictionary at its top is refused. */
export function mustBeUnique(key: string): boolean {
  return ID_KEYS.has(key)
}
