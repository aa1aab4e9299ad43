/**
 * In bytes. Apple's tokens have 32 bytes today and may grow; their magic is a UUID. Legitimate ones are
 * shorter.
 */
export const MAX_PUSH_VALUE = 1024

/** A token of another length can only be a mistake. */
export function isPushToken(token: Uint8Array): boolean {
  return token.length >= 32 && token.length <= MAX_PUSH_VALUE
}

export function isPushMagic(magic: string): boolean {
  return new TextEncoder().encode(magic).length <= MAX_PUSH_VALUE
}

/** The topic is sent as a header. */
export function isPushTopic(topic: string): boolean {
  return topic.length <= MAX_PUSH_VALUE && /^[\x21-\x7e]+$/.test(topic)
}

/** Whether APNs could be asked to wake a channel with these. */
export function isPushable(token: Uint8Array, magic: string, topic: string): boolean {
  return isPushToken(token) && isPushMagic(magic) && isPushTopic(topic)
}
