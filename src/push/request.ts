/** The headers and body of one MDM push: https://developer.apple.com/documentation/devicemanagement/sending-mdm-commands-to-a-device */

const DAY = 24 * 60 * 60

export interface PushOrder {
  token: Uint8Array | string
  magic: string
  topic: string
  /** Seconds since 1970. */
  expiration: number
  /** A UUID: APNs answers with it, which joins our log to theirs. */
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
      // 5 lets the device postpone it for hours, although APNs answers 200.
      'apns-priority': '10',
      'apns-expiration': String(order.expiration),
      'apns-id': order.id,
    },
    // APNs refuses an `aps` key on an MDM topic: the magic is the whole message.
    body: JSON.stringify({ mdm: order.magic }),
  }
}

/** APNs keeps the last push of a device that is off until then, so nothing need push every day. */
export function defaultExpiration(nowMs: number): number {
  return Math.floor(nowMs / 1000) + 7 * DAY
}

export function tokenHex(token: Uint8Array | string): string {
  if (typeof token === 'string') return token.toLowerCase()
  let hex = ''
  for (const byte of token) hex += byte.toString(16).padStart(2, '0')
  return hex
}
