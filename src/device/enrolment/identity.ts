import type { Message } from '../../mdm/message.ts'
import type { Context } from '../store/context.ts'
import { isKept } from '../standing/contest.ts'
import {
  changeEpoch,
  FROZEN_EPOCH,
  OVERTAKEN_EPOCH,
  REVOKED_EPOCH,
  type Identity,
} from '../store/rows/identity.ts'
import { isUnproven } from '../store/rows/device.ts'
import type { Proof } from '../store/proof.ts'
import { saveDevice } from '../store/rows/save.ts'

/** Certificates that a device's object keeps. */
const MOST_IDENTITIES = 20
/** Certificates of the present enrolment: a renewal adds one, and its answer may be lost. */
const MOST_CURRENT = 5
/** Messages of an identity whose digests are kept. */
const MAX_DIGESTS = 50
const DAY = 86_400_000

/** A certificate that no object knew, after the Worker checked its chain and claimed it in D1. */
export interface Claim {
  readonly caKey: string
  readonly subject: string
  readonly notAfter: number
  readonly issuedHere: boolean
  /** Its challenge was bound to a device: whether its UDID, or its serial number, is that of the message. */
  readonly bound?: { readonly udid: boolean; readonly serial: boolean } | undefined
  /** User channels of other devices that have the id of this device, and whether admins used it for them. */
  readonly namesakes?: { readonly ids: readonly string[]; readonly used: boolean } | undefined
  /** The claim has listed the device, which was new to the directory, as its message shows it. */
  readonly isListed?: boolean
}

/**
 * `bound`: an identity of this enrolment. `claimable`: unknown here, and the message may bind it, so the
 * Worker checks its chain and claims it. `unchecked`: bound by another server, which did not have the
 * certificate itself: its chain is checked at its first message. `earlier`: of an earlier enrolment of this
 * device. `frozen`: it lost a contest. `refused`: all others.
 */
export type Standing =
  | { readonly kind: 'bound'; readonly identity: Identity }
  | { readonly kind: 'claimable' }
  | { readonly kind: 'unchecked'; readonly identity: Identity }
  | { readonly kind: 'tolerated' }
  | { readonly kind: 'earlier'; readonly identity: Identity }
  | { readonly kind: 'frozen' }
  | { readonly kind: 'refused'; readonly reason: string }

/**
 * The standing of a certificate with this device. Authenticate may bring a new one. Other messages may bring
 * one only if the device has none yet: MicroMDM's trust on first use, which restored and moved fleets need,
 * because their devices never send Authenticate again.
 */
export function standingOf(context: Context, fingerprint: string, message: Message): Standing {
  const { identities } = context.state
  const identity = identities.find((candidate) => candidate.fingerprint === fingerprint)
  const authenticates = message.kind === 'checkin' && message.messageType === 'Authenticate'
  if (identity) {
    return standingOfKnown(context, identity, authenticates)
  }
  if (authenticates) {
    return { kind: 'claimable' }
  }
  if (!hasIdentity(context)) {
    return context.settings.trustOnFirstUse
      ? { kind: 'claimable' }
      : {
          kind: 'refused',
          reason: 'the device never sent Authenticate, and TRUST_ON_FIRST_USE is off',
        }
  }
  return context.settings.udidCertAuthWarnOnly
    ? { kind: 'tolerated' }
    : { kind: 'refused', reason: 'the certificate is not bound to this enrolment' }
}

function standingOfKnown(context: Context, identity: Identity, authenticates: boolean): Standing {
  const isPresent = identity.epoch === context.state.device.epoch
  if (identity.epoch === REVOKED_EPOCH) {
    return { kind: 'refused', reason: 'the certificate was revoked' }
  }
  if (identity.epoch === FROZEN_EPOCH) {
    return { kind: 'frozen' }
  }
  if (isPresent && identity.caKey === '') {
    return { kind: 'unchecked', identity }
  }
  return isPresent || (authenticates && mayBegin(context, identity))
    ? { kind: 'bound', identity }
    : { kind: 'earlier', identity }
}

/** Whether the device has one. Frozen and revoked certificates leave an unproven device without any. */
function hasIdentity({ state: { device, identities } }: Context): boolean {
  return device.moved?.unproven
    ? identities.some(({ epoch }) => epoch === device.epoch)
    : identities.length > 0
}

/**
 * Whether an earlier identity may begin another enrolment. A kept one may not before it has acknowledged a
 * probe, and one that was dropped from a contest may not while the contest lasts.
 */
function mayBegin(context: Context, identity: Identity): boolean {
  const isOut = context.state.device.contest !== undefined && identity.proof === ''
  return !isKept(context, identity) && !isOut
}

/** Binds a claimed certificate to the present enrolment. */
export function bindIdentity(
  context: Context,
  fingerprint: string,
  { caKey, subject, notAfter, bound }: Claim,
  how: {
    readonly what: 'bound' | 'renewed'
    readonly proof: Proof | ''
    readonly digest: string
    /** The serial number that the renewed identity has proven. */
    readonly provenSerial?: string
  },
): Identity {
  const { identities, device } = context.state
  const identity: Identity = {
    id: (identities.at(-1)?.id ?? 0) + 1,
    fingerprint,
    caKey,
    subject,
    notAfter,
    epoch: device.epoch,
    provenSerial: bound?.serial === true ? device.facts.SerialNumber : (how.provenSerial ?? ''),
    reported: false,
    history: [{ at: context.now, what: how.what }],
    proof: how.proof,
    heard: how.digest === '' ? [] : [how.digest],
  }
  identities.push(identity)
  saveDevice(context)
  boundIdentities(context)
  return identity
}

/** The facts of a certificate of which only the fingerprint was known. */
export function completeIdentity(
  context: Context,
  identity: Identity,
  { caKey, subject, notAfter }: Claim,
): Identity {
  const { identities } = context.state
  const complete = { ...identity, caKey, subject, notAfter }
  identities[identities.indexOf(identity)] = complete
  saveDevice(context)
  return complete
}

/** Makes an identity one of the present enrolment. A later conflict with it is reported anew. */
export function acceptIdentity(
  context: Context,
  identity: Identity,
  how: {
    readonly what?: 'bound' | 'reinstated'
    readonly proof: Proof | ''
    readonly digest: string
  },
): void {
  changeEpoch(identity, context.state.device.epoch, { at: context.now, what: how.what ?? 'bound' })
  identity.reported = false
  identity.proof = how.proof
  keepDigest(context, identity, how.digest)
}

/** Keeps the digest of a message that an identity signed, so that a replay of it changes nothing. */
export function keepDigest(context: Context, identity: Identity, digest: string): void {
  if (digest !== '') {
    identity.heard = [...identity.heard, digest].slice(-MAX_DIGESTS)
  }
  saveDevice(context)
}

/** The CA keeps each issued certificate for good, so a device gets only a few a day. */
function isRenewedOften({ state, now }: Context): boolean {
  const lately = state.identities.filter(
    ({ epoch, history: [first] }) =>
      (epoch === state.device.epoch || epoch === OVERTAKEN_EPOCH) &&
      first?.what === 'renewed' &&
      first.at > now - DAY,
  )
  return lately.length >= MOST_CURRENT
}

/** A certificate that is about to replace another one. */
export interface Succession {
  /** Fingerprint of the identity that it renews. */
  readonly previous: string
  readonly fingerprint: string
  readonly claim: Claim
  /** Issued for a renewal profile: the device's next Authenticate may be signed with it. */
  readonly byProfile: boolean
}

/**
 * Binds the successor of a present identity as it is issued. A pure SCEP renewal sends no message: the device
 * simply signs the next one with the new certificate (micromdm/micromdm#557).
 * @returns false when `previous` is not of the present enrolment, or was renewed too often within a day.
 */
export function renewIdentity(
  context: Context,
  { previous, fingerprint, claim, byProfile }: Succession,
): boolean {
  const { identities, device } = context.state
  const present = identities.find(
    (known) => known.fingerprint === previous && known.epoch === device.epoch,
  )
  // An unproven identity is new: it need not be renewed yet.
  const isNew = isUnproven(device) && present?.proof === ''
  if (
    !present ||
    isNew ||
    device.blocked ||
    device.state === 'checked_out' ||
    isRenewedOften(context)
  ) {
    return false
  }
  bindIdentity(context, fingerprint, claim, {
    what: 'renewed',
    // The successor has a proof only if its predecessor has one.
    proof: present.proof && 'renewal',
    digest: '',
    provenSerial: present.provenSerial,
  })
  if (byProfile) {
    device.installed.successors = [...device.installed.successors, fingerprint].slice(-MOST_CURRENT)
    saveDevice(context)
  }
  return true
}

/**
 * Limits the number of certificates of a device when another one is bound. Three kinds stay: the newest of
 * the enrolment, the one that signed last, and those of kept enrolments. Of the others, the oldest are
 * deleted. A deleted certificate counts as new and may send Authenticate, so a revoked one is kept until it
 * expires.
 */
function boundIdentities(context: Context): void {
  const { now, state } = context
  const { device, identities } = state
  const current = identities.filter(({ epoch }) => epoch === device.epoch)
  for (const identity of current.slice(0, -MOST_CURRENT).filter((one) => !isInUse(context, one))) {
    identity.epoch = OVERTAKEN_EPOCH
    saveDevice(context)
  }
  const forgettable = identities.filter(
    (one) =>
      one.epoch !== device.epoch &&
      !isInUse(context, one) &&
      !isKept(context, one) &&
      !(one.epoch === REVOKED_EPOCH && one.notAfter >= now),
  )
  for (const identity of forgettable.slice(0, Math.max(0, identities.length - MOST_IDENTITIES))) {
    identities.splice(identities.indexOf(identity), 1)
  }
}

function isInUse({ state: { device } }: Context, { fingerprint }: Identity): boolean {
  return device.installed.identity === fingerprint
}
