import type { Dated } from '../control/dated.ts'
import type { Config } from '../config/config.ts'
import { pushCertificateInUse } from '../device/push/certificate.ts'
import { authorityCertificates } from '../directory/authorities.ts'
import { listAccounts } from '../directory/dep/accounts.ts'
import { endingIdentities } from '../directory/devices/renewals.ts'
import type { Env } from '../env.ts'
import { CONTROL_NAME } from '../figures/report.ts'
import { EXPIRY_KINDS, type ExpiryKind } from '../events/topics.ts'
import { warn } from '../log.ts'
import type { Certificate } from '../pki/x509/certificate.ts'
import { reasonOf } from '../reason.ts'
import { EXPIRY_RULES } from './expiry-rules.ts'

const DAY = 86_400_000

type Found = Omit<Dated, 'kind'>
type Source = (env: Env, config: Config, now: number) => Promise<readonly Found[]>

/** Where the things of each kind are. */
const SOURCES: Readonly<Record<ExpiryKind, Source>> = {
  push_certificate: async (env, config, now) => {
    const { topic, certificate } = await pushCertificateInUse(env, config, now)
    return certificate ? [ofCertificate(certificate, topic)] : []
  },
  ca: async ({ DB }) =>
    (await authorityCertificates(DB)).slice(0, 1).map((one) => ofCertificate(one)),
  identities: async ({ DB }, _, now) => {
    const [most = 0] = EXPIRY_RULES.identities.notices.slice(-1)
    const { count, first } = await endingIdentities(DB, now, now + most * DAY)
    return count === 0
      ? []
      : [{ name: 'identities of devices', version: '', notAfter: first, count }]
  },
  dep_token: async ({ DB, DEP }) => {
    const accounts = await listAccounts(DB)
    const found = accounts.map(async ({ id, organization, serverName, tokenAt }) => ({
      name: [organization, serverName].filter((part) => part !== '').join(', ') || id,
      version: `${id}.${tokenAt}`,
      notAfter: (await DEP.getByName(id).tokenEnd()) ?? Infinity,
    }))
    return (await Promise.all(found)).filter(({ notAfter }) => notAfter < Infinity)
  },
  profile_signing: async (_, { enrollment: { profileSigner } }) =>
    profileSigner ? [ofCertificate(profileSigner.certificate)] : [],
  api_key: async ({ CONTROL }) => {
    const keys = await CONTROL.getByName(CONTROL_NAME).listKeys()
    return keys
      .filter(({ expiresAt }) => expiresAt > 0)
      .map(({ id, name, expiresAt }) => ({
        name,
        version: `${id}.${expiresAt}`,
        notAfter: expiresAt,
      }))
  },
}

function ofCertificate(
  { subjectText, fingerprint, notAfter }: Certificate,
  name = subjectText,
): Found {
  return { name, version: fingerprint, notAfter }
}

/** Looks at all that ends. What cannot be read stays as it was. */
export async function findDated(
  env: Env,
  config: Config,
  before: readonly Dated[],
  now: number,
): Promise<readonly Dated[]> {
  const found = EXPIRY_KINDS.map((kind) => readKind(kind, env, config, before, now))
  return (await Promise.all(found)).flat()
}

/** All things of a kind. @throws when they cannot be read */
export async function datedOf(
  kind: ExpiryKind,
  env: Env,
  config: Config,
  now: number,
): Promise<readonly Dated[]> {
  const found = await SOURCES[kind](env, config, now)
  return found.map((thing) => ({ kind, ...thing }))
}

async function readKind(
  kind: ExpiryKind,
  env: Env,
  config: Config,
  before: readonly Dated[],
  now: number,
): Promise<readonly Dated[]> {
  try {
    return await datedOf(kind, env, config, now)
  } catch (error) {
    warn('expiry:unreadable', { kind, reason: reasonOf(error) })
    return before.filter((thing) => thing.kind === kind)
  }
}
