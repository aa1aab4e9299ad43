/** Containers inside containers, the root's being the first; deeper documents are depth bombs (apple-protocol §8). */
export const MAX_DEPTH = 128

/**
 * Keys that say who speaks about what. Readers disagree about which duplicate counts, so a message with
 * one could pass as two devices; elsewhere the last wins, as in CoreFoundation (apple-protocol §8).
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

/** Whether a dictionary holding `key` twice is refused. */
export function mustBeUnique(key: string): boolean {
  return ID_KEYS.has(key)
}
