import { Buffer } from 'node:buffer'
import { createHmac } from 'node:crypto'
import type { Secret, Webhook } from '../events/webhook.ts'

const PREFIX = 'whsec_'

/** The secrets that sign now, newest first. An earlier secret signs too, until its end. */
export function signingSecrets(secrets: readonly Secret[], now: number): readonly Secret[] {
  return secrets.filter(({ until }) => until === 0 || until > now)
}

/**
 * The headers of Standard Webhooks (`v1`: HMAC-SHA256 over `id.timestamp.body`, one signature for each
 * secret), and that of NanoMDM (base64 HMAC-SHA256 of the body, with the text of the secret as key), which
 * has only the newest secret.
 */
export function signature(
  { secrets }: Pick<Webhook, 'secrets'>,
  event: string,
  body: string,
  now: number,
): Record<string, string> {
  const signing = signingSecrets(secrets, now).map(({ secret }) => secret)
  const [newest] = signing
  if (newest === undefined) {
    return {}
  }
  const timestamp = String(Math.floor(now / 1000))
  const signatures = signing
    .filter((secret) => secret.startsWith(PREFIX))
    .map((secret) => {
      const key = Buffer.from(secret.slice(PREFIX.length), 'base64')
      return `v1,${hmac(key, `${event}.${timestamp}.${body}`)}`
    })
  return {
    'webhook-id': event,
    'webhook-timestamp': timestamp,
    ...(signatures.length > 0 ? { 'webhook-signature': signatures.join(' ') } : {}),
    'x-hmac-signature': hmac(newest, body),
  }
}

export function randomSecret(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(32))
  return `${PREFIX}${Buffer.from(bytes).toString('base64')}`
}

function hmac(key: string | Buffer, text: string): string {
  return createHmac('sha256', key).update(text).digest('base64')
}
