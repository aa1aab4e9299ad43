import { randomUUID } from 'node:crypto'
import { clock } from '../../clock.ts'
import type { Config } from '../../config/config.ts'
import { NO_APNS, postPush, pushSettings } from '../../device/push/gate.ts'
import type { Env } from '../../env.ts'
import type { Verdict } from '../../push/verdict.ts'
import { bad, good, type ProbeOutcome } from './outcome.ts'

const TOKEN_BYTES = 32
const DOCS = 'docs/push-certificate.md'

/**
 * Pushes a token that no device has. APNs refuses it if it has taken the certificate and the topic
 * (Apple: "Handling notification responses from APNs"). The circuit of pushes does not hear of it.
 */
export async function probePush(env: Env, config: Config): Promise<ProbeOutcome> {
  const now = clock.now()
  const settings = await pushSettings(env, config, now)
  if (!settings.apns) {
    return bad('push.binding', NO_APNS, `install a certificate (${DOCS})`)
  }
  const { topic } = settings
  const token = new Uint8Array(TOKEN_BYTES)
  const target = { user: '', token, magic: randomUUID(), topic, flag: '', flagEpoch: 0 }
  const push = { id: randomUUID(), device: 'probe', now, epoch: 0, expiration: 0 }
  return outcomeOf(await postPush(settings, target, push), topic)
}

const found = (text: string, fix: string): ProbeOutcome => bad('push', text, fix)

function outcomeOf(verdict: Verdict, topic: string): ProbeOutcome {
  if (verdict.kind === 'delivered') {
    return found('a token that no device has was taken: this is not APNs', 'look where APNS leads')
  }
  const { kind, reason } = verdict
  if (kind === 'token_refused' && reason === 'BadDeviceToken') {
    return good(`APNs takes the certificate and the topic ${topic}: ${reason}`)
  }
  if (kind === 'configuration' && reason === 'MissingProviderToken') {
    return found(
      'APNs did not get the push certificate: MissingProviderToken',
      `bind the certificate as APNS, and deploy again (${DOCS})`,
    )
  }
  switch (kind) {
    case 'transport':
      return found(
        `the answer is not from APNs: ${reason}`,
        'the edge in between failed: ask again; if it stays, look at the status of Cloudflare and of Apple',
      )
    case 'later':
      return found(`APNs takes no pushes just now: ${reason}`, 'look at the status of Apple')
    default:
      return found(
        `APNs refuses the push certificate, or its topic ${topic}: ${reason}`,
        `renew the certificate, with the same Apple Account (${DOCS})`,
      )
  }
}
