/**
 * Validates certification paths (RFC 5280 §6). A path is validated where a certificate is accepted for the
 * first time, and never again. A trust anchor is a name and a key (RFC 5280 §6.1.1 (d)): its dates and its
 * extensions are ignored.
 */
import { X509Certificate } from 'node:crypto'
import { DIGEST_OIDS, EXT_KEY_USAGE_OIDS, OID } from '../asn1/oids.ts'
import { readPublicKey, rsaBitsOf } from './public-key.ts'
import type { Certificate } from './certificate.ts'

interface PathPolicy {
  /** Whether leaf and intermediates have to be valid now. */
  readonly checksDates: boolean
  /**
   * Whether leaf and intermediates have to be good for a client, and the leaf's critical extensions known.
   */
  readonly checksUsage: boolean
  /** Whether RSA keys of 1024 to 2047 bits, and SHA-1, are refused, warned of or accepted. */
  readonly weak: 'accepted' | 'warned' | 'refused'
}

/** The rules by the kind of CA that issued a certificate. docs/certificates.md has the same table. */
export const PATH_POLICIES = {
  /** CAs that this server made. */
  own: { checksDates: true, checksUsage: true, weak: 'refused' },
  /** CAs of other servers: imported ones, and `DEVICE_CA`. */
  imported: { checksDates: true, checksUsage: true, weak: 'warned' },
  /** Identities that another server had bound to a device, and that came with its records. */
  moved: { checksDates: false, checksUsage: false, weak: 'warned' },
  /** Apple's device CA: its RSA key has 1024 bits, it signs with SHA-1, and it expired in 2014. */
  apple: { checksDates: false, checksUsage: false, weak: 'accepted' },
} as const satisfies Record<string, PathPolicy>

/** A trusted CA, and the rules for certificates below it. */
export interface Anchor {
  readonly certificate: Certificate
  readonly row: keyof typeof PATH_POLICIES
}

/** An anchor with the rules for CAs of other servers. */
export function imported(certificate: Certificate): Anchor {
  return { certificate, row: 'imported' }
}

/** Whether a valid path leads from an anchor to a certificate; the texts are for logs. */
export type PathCheck =
  | {
      readonly ok: true
      /** `keyId` of the CA whose key vouches for the leaf. */
      readonly caKeyId: string
      /** Weaknesses in the path that are accepted all the same. */
      readonly warnings: readonly string[]
    }
  | { readonly ok: false; readonly reason: string }

/** Signatures from the leaf up to the CA. */
const MAX_DEPTH = 4
/** Limits how many signatures a sender can make us verify. */
const MAX_OTHERS = 8
/**
 * For CAs that do not backdate and whose clock is ahead of ours: their devices enrol seconds after they get
 * an identity.
 */
const CLOCK_SKEW = 5 * 60_000
const SOUND_RSA_BITS = 2048
const MIN_RSA_BITS = 1024

const { sha1, ...sha2 } = DIGEST_OIDS
const SHA1_SIGNATURES = new Set(Object.values(sha1))
const SOUND_SIGNATURES = new Set([
  ...Object.values(sha2).flatMap((names) => Object.values(names)),
  OID.ed25519,
])

/**
 * Whether a path from one of `anchors` to `leaf` over at most three of `others` is valid at `now`
 * (milliseconds since 1970), by the rules of the anchor. A key identifies a CA: if two have the same name,
 * the one whose key made the signature counts.
 */
export function validatePath(
  leaf: Certificate,
  others: readonly Certificate[],
  anchors: readonly Anchor[],
  now: number,
): PathCheck {
  if (leaf.isCA || anchors.some(({ certificate }) => certificate.keyId === leaf.keyId)) {
    return { ok: false, reason: 'the certificate is that of a CA, not of a device' }
  }
  if (others.length > MAX_OTHERS) {
    return {
      ok: false,
      reason: `${others.length} certificates beside the device’s, more than ${MAX_OTHERS}`,
    }
  }
  const issuersOf = remembered((certificate) =>
    others.filter((issuer) => issuer.isCA && issuer.mayIssue && isSignedBy(certificate, issuer)),
  )
  const anchorsOf = remembered((certificate) =>
    anchors.filter((anchor) => isSignedBy(certificate, anchor.certificate)),
  )
  let refused: PathCheck | undefined
  for (const path of pathsUp([leaf], issuersOf)) {
    for (const anchor of anchorsOf(path.at(-1) ?? leaf)) {
      const check = judge(path, anchor, now)
      if (check.ok) {
        return check
      }
      refused ??= check
    }
  }
  return (
    refused ?? { ok: false, reason: `no accepted CA issued the certificate ${leaf.fingerprint}` }
  )
}

/** Without it a sender could have the same signatures verified once for each of many paths. */
function remembered<T>(find: (certificate: Certificate) => T): (certificate: Certificate) => T {
  const found = new Map<Certificate, T>()
  return (certificate) => {
    const value = found.get(certificate) ?? find(certificate)
    found.set(certificate, value)
    return value
  }
}

/** All paths that begin with this one, from the leaf up, the anchor not included. */
function pathsUp(
  path: readonly Certificate[],
  issuersOf: (certificate: Certificate) => readonly Certificate[],
): (readonly Certificate[])[] {
  const top = path.at(-1)
  if (top === undefined || path.length === MAX_DEPTH) {
    return [path]
  }
  const issuers = issuersOf(top).filter((issuer) => !path.includes(issuer))
  return [path, ...issuers.flatMap((issuer) => pathsUp([...path, issuer], issuersOf))]
}

function judge(path: readonly Certificate[], anchor: Anchor, now: number): PathCheck {
  const policy = PATH_POLICIES[anchor.row]
  const [leaf, ...intermediates] = path
  const weaknesses = [
    ...path.map(weakSignature),
    ...[...path, anchor.certificate].map(weakKey),
  ].filter((weakness) => weakness !== undefined)
  const problems = [
    leaf && leafProblem(leaf, policy, now),
    ...intermediates.map((issuer, below) =>
      intermediateProblem(issuer, intermediates.slice(0, below), policy, now),
    ),
    ...weaknesses.map(({ text, isFatal }) =>
      isFatal || policy.weak === 'refused' ? text : undefined,
    ),
  ]
  const reason = problems.find((problem) => problem !== undefined)
  return reason === undefined
    ? {
        ok: true,
        caKeyId: anchor.certificate.keyId,
        warnings: policy.weak === 'warned' ? weaknesses.map(({ text }) => text) : [],
      }
    : { ok: false, reason }
}

function leafProblem(leaf: Certificate, policy: PathPolicy, now: number): string | undefined {
  if (policy.checksDates && leaf.notBefore > now + CLOCK_SKEW) {
    return `the certificate is not valid before ${dateOf(leaf.notBefore)}`
  }
  if (policy.checksDates && leaf.notAfter < now) {
    return `the certificate expired on ${dateOf(leaf.notAfter)}`
  }
  if (!policy.checksUsage) {
    return undefined
  }
  if (!leaf.maySign) {
    return 'the certificate may not sign: its keyUsage has no digitalSignature'
  }
  if (!isForClients(leaf)) {
    return 'the certificate is not for clients: its extendedKeyUsage has no clientAuth'
  }
  return leaf.hasUnknownCritical
    ? 'the certificate has a critical extension that is not known here'
    : undefined
}

/** `below` are the intermediates between this one and the leaf. RFC 5280 §6.1.4 (k) to (o). */
function intermediateProblem(
  issuer: Certificate,
  below: readonly Certificate[],
  policy: PathPolicy,
  now: number,
): string | undefined {
  const name = `the intermediate CA ${issuer.subjectText}`
  if (policy.checksDates && (issuer.notBefore > now || issuer.notAfter < now)) {
    return `${name} is valid from ${dateOf(issuer.notBefore)} to ${dateOf(issuer.notAfter)} only`
  }
  if (below.filter(isNotSelfIssued).length > (issuer.pathLength ?? MAX_DEPTH)) {
    return `${name} allows no more than ${issuer.pathLength} CAs below it`
  }
  if (issuer.hasNameConstraints) {
    return `${name} has name constraints, which are not read here`
  }
  if (issuer.hasUnknownCritical) {
    return `${name} has a critical extension that is not known here`
  }
  return policy.checksUsage && !isForClients(issuer)
    ? `${name} issues for other purposes: its extendedKeyUsage has no clientAuth`
    : undefined
}

function isForClients({ extKeyUsages }: Certificate): boolean {
  return (
    extKeyUsages === undefined ||
    extKeyUsages.includes(EXT_KEY_USAGE_OIDS.clientAuth) ||
    extKeyUsages.includes(OID.anyExtendedKeyUsage)
  )
}

function isNotSelfIssued({ issuer, subject }: Certificate): boolean {
  return issuer !== subject
}

interface Weakness {
  readonly text: string
  /** Refused by every row. */
  readonly isFatal: boolean
}

function weakSignature(certificate: Certificate): Weakness | undefined {
  const { signatureAlgorithm: id, subjectText } = certificate
  if (SOUND_SIGNATURES.has(id)) {
    return undefined
  }
  return SHA1_SIGNATURES.has(id)
    ? { text: `the certificate ${subjectText} is signed with SHA-1`, isFatal: false }
    : { text: `the certificate ${subjectText} is signed with ${id}`, isFatal: true }
}

function weakKey({ spki, subjectText }: Certificate): Weakness | undefined {
  const bits = rsaBitsOf(readPublicKey(spki))
  return bits === undefined || bits >= SOUND_RSA_BITS
    ? undefined
    : {
        text: `the certificate ${subjectText} has an RSA key of ${bits} bits`,
        isFatal: bits < MIN_RSA_BITS,
      }
}

/** Whether the key of `issuer` made the signature, and the names agree. */
export function isSignedBy(certificate: Certificate, issuer: Certificate): boolean {
  if (certificate.issuer !== issuer.subject) {
    return false
  }
  try {
    // The key has to come from a certificate: workerd's verify() is false for one from createPublicKey().
    const key = new X509Certificate(issuer.der).publicKey
    return new X509Certificate(certificate.der).verify(key)
  } catch {
    // OpenSSL throws, instead of answering false, for keys and algorithms that it does not know.
    return false
  }
}

function dateOf(ms: number): string {
  return new Date(ms).toISOString()
}
