/** Builds the headers and the body of one MDM push (Apple: "Sending MDM commands to a device"). */

const DAY = 24 * 60 * 60

export interface PushOrder {
  token: Uint8Array | string
  magic: string
  topic: string
  /** Seconds since 1970. */
  expiration: number
  /** A UUID that APNs repeats in its answer: it joins our log to Apple's. */
  id: string
}

export interface PushRequest {
  path: string
  headers: Record<string, string>
  body: string
}

export function pushRequest(order: PushOrder): PushRequest {
  return {
    path: `/3/device/${tokenHex(order.token)}`,
    headers: {
      'content-type': 'application/json',
      'apns-topic': order.topic,
      'apns-push-type': 'mdm',
      // With 5 the device may delay it for hours, although APNs answers 200.
      'apns-priority': '10',
      'apns-expiration': String(order.expiration),
      'apns-id': order.id,
    },
    // APNs refuses an `aps` key on an MDM topic: the magic is the whole message.
    body: JSON.stringify({ mdm: order.magic }),
  }
}

/** APNs keeps the last push for a device that is off until then, so a daily push is not needed. */
export function defaultExpiration(nowMs: number): number {
  return Math.floor(nowMs / 1000) + 7 * DAY
}

export function tokenHex(token: Uint8Array | string): string {
  if (typeof token === 'string') return token.toLowerCase()
  let hex = ''
  for (const byte of token) hex += byte.toString(16).padStart(2, '0')
  return hex
}
