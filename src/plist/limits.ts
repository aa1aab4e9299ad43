/**
 * Levels of containers, the root's being the first, as in CoreFoundation for iOS. Deeper documents are
 * attacks.
 */
export const MAX_DEPTH = 128

/**
 * Keys that name the sender and the subject of a message. Readers disagree about which of two duplicates
 * counts, so one message could pass as that of two devices. For other keys the last one counts, as in
 * CoreFoundation.
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

/** Whether a document is refused that has `key` twice in the dictionary at its top. */
export function mustBeUnique(key: string): boolean {
  return ID_KEYS.has(key)
}
