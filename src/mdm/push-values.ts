/** Apple's tokens are 32 bytes today and may grow, their magic is a UUID: nothing legitimate is longer. In bytes. */
export const MAX_PUSH_VALUE = 1024

/** A token of another length can only be a mistake. */
export function isPushToken(token: Uint8Array): boolean {
  return token.length >= 32 && token.length <= MAX_PUSH_VALUE
}

export function isPushMagic(magic: string): boolean {
  return new TextEncoder().encode(magic).length <= MAX_PUSH_VALUE
}

/** It is sent as a header. */
export function isPushTopic(topic: string): boolean {
  return topic.length <= MAX_PUSH_VALUE && /^[\x21-\x7e]+$/.test(topic)
}
