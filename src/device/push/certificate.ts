import type { Config } from '../../config/config.ts'
import { reasonOf, OwnError } from '../../reason.ts'
import { warn } from '../../log.ts'
import { daysUntil, expiryWarning, readPushCertificate } from '../../pki/x509/push-certificate.ts'
import type { Certificate } from '../../pki/x509/certificate.ts'

/** The certificate that pushes leave with. */
export interface PushCertificate {
  /** Empty while it is unknown. */
  readonly topic: string
  /** Changes with the certificate; empty while it is unknown. */
  readonly id: string
  /** Undefined when no more than the topic is known, or nothing. */
  readonly certificate: Certificate | undefined
}

/**
 * The keeper of the push certificate under `npm start`, which `APNS` sends with. Only there a request can
 * replace it. In production `APNS` is an mTLS binding, whose certificate changes by a deploy. This binding
 * does not exist there, so that no private key can leave by it.
 */
export interface PushKeeper {
  fetch(url: string, init?: RequestInit): Promise<Response>
}

export interface PushCertificateEnv {
  readonly PUSH_KEEPER?: PushKeeper
}

const URL_OF_KEEPER = 'http://push-keeper/certificate'
const AGE = 30_000

/** An isolate's memory of the keeper's last answer. */
let memory: { at: number; known: PushCertificate } | undefined

/** The push certificate in use at `now`. It may change at any time: callers keep no copy. */
export async function pushCertificateInUse(
  env: PushCertificateEnv,
  config: Config,
  now: number,
): Promise<PushCertificate> {
  const { pushTopic: topic, pushCertificateId: id, pushCertificate: certificate } = config
  if (!env.PUSH_KEEPER) {
    return { topic, id, certificate }
  }
  if (memory && now - memory.at < AGE) {
    return memory.known
  }
  try {
    const response = await env.PUSH_KEEPER.fetch(URL_OF_KEEPER)
    const kept = readPushCertificate(await response.text())
    if (typeof kept === 'string') {
      throw new TypeError(kept)
    }
    memory = { at: now, known: { topic: kept.uid ?? '', id: kept.fingerprint, certificate: kept } }
    return memory.known
  } catch (error) {
    warn('push:keeper-unreachable', { reason: reasonOf(error) })
    return { topic, id, certificate }
  }
}

/**
 * Hands a checked pair of PEMs to the keeper; when this returns nothing, the next push leaves with it.
 * @returns why the keeper refuses. @throws when it fails
 */
export async function replacePushCertificate(
  keeper: PushKeeper,
  pair: { readonly certificatePem: string; readonly keyPem: string },
): Promise<string | undefined> {
  const response = await keeper.fetch(URL_OF_KEEPER, {
    method: 'PUT',
    body: JSON.stringify({ certificate: pair.certificatePem, key: pair.keyPem }),
  })
  memory = undefined
  const text = await response.text()
  if (response.status === 500) {
    const [code = 'unknown'] = /^[A-Z]{3,12}(?=:)/.exec(text) ?? []
    throw new OwnError(`the push certificate could not be stored: ${code}`)
  }
  return response.ok ? undefined : text
}

/** A duty of the daily cron: without a renewed push certificate no device can be pushed. */
export async function warnOfPushExpiry(
  env: PushCertificateEnv,
  config: Config,
  now: number,
): Promise<void> {
  const { topic, certificate } = await pushCertificateInUse(env, config, now)
  const reason = certificate && expiryWarning(certificate.notAfter, now)
  if (certificate && reason !== undefined) {
    warn('push:certificate-expires', {
      topic,
      days_left: daysUntil(certificate.notAfter, now),
      reason,
    })
  }
}
