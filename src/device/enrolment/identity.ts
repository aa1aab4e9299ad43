import type { Message } from '../../mdm/message.ts'
import type { Context } from '../store/context.ts'
import { isKept } from '../standing/contest.ts'
import { leaveIfEmpty, replacePresent, settle } from '../standing/contest-end.ts'
import { boundIdentities, MOST_CURRENT } from './identity-bounds.ts'
import {
  changeEpoch,
  FROZEN,
  OVERTAKEN,
  REVOKED,
  saveIdentity,
  type Identity,
} from '../store/identity-row.ts'
import type { Proof } from '../store/proof.ts'
import { saveDevice } from '../store/state.ts'

/** Messages that are remembered of an identity. */
const MAX_HEARD = 50
const DAY = 86_400_000

/** What the Worker found out about a certificate that no object knew: its chain, and that D1 gave it to us. */
export interface Claim {
  readonly caKey: string
  readonly subject: string
  readonly notAfter: number
  /** We issued it. */
  readonly issuedHere: boolean
  /** Its challenge was given out for a device, of which this message says what is true here. */
  readonly bound?: { readonly udid: boolean; readonly serial: boolean } | undefined
  /** User channels of other devices that are called like this device, and whether admins meant them by it. */
  readonly namesakes?: { readonly ids: readonly string[]; readonly used: boolean } | undefined
}

/**
 * `bound`: an identity of this enrolment. `claimable`: unknown here, and the message may bind it, so the Worker
 * checks its chain and claims it. `earlier`: of an earlier enrolment of this device. `frozen`: it lost a contest. `refused`:
 * everything else.
 */
export type Standing =
  | { readonly kind: 'bound'; readonly identity: Identity }
  | { readonly kind: 'claimable' }
  | { readonly kind: 'tolerated' }
  | { readonly kind: 'earlier'; readonly identity: Identity }
  | { readonly kind: 'frozen' }
  | { readonly kind: 'refused'; readonly reason: string }

/**
 * Where a certificate stands with this device. Authenticate may bring a new one; any other
 * message may only if the device has none yet: that is MicroMDM's trust on first use, which restored and moved
 * fleets need, because such devices never send Authenticate again.
 */
export function standing(context: Context, fingerprint: string, message: Message): Standing {
  const { identities, device } = context.state
  const identity = identities.find((candidate) => candidate.fingerprint === fingerprint)
  const authenticates = message.kind === 'checkin' && message.messageType === 'Authenticate'
  if (identity?.epoch === REVOKED) {
    return { kind: 'refused', reason: 'the certificate was revoked' }
  }
  if (identity?.epoch === FROZEN) {
    return { kind: 'frozen' }
  }
  if (identity) {
    return identity.epoch === device.epoch || (authenticates && mayBegin(context, identity))
      ? { kind: 'bound', identity }
      : { kind: 'earlier', identity }
  }
  if (authenticates) {
    return { kind: 'claimable' }
  }
  if (identities.length === 0) {
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

/**
 * Whether an identity of before may begin another enrolment. What a kept one says decides nothing until it has acknowledged a probe,
 * and one that was dropped from a contest does not begin again as long as it lasts.
 */
function mayBegin(context: Context, identity: Identity): boolean {
  const isOut = context.state.device.contest !== undefined && identity.proof === ''
  return !isKept(context, identity) && !isOut
}

/** Binds a claimed certificate to the device's present enrolment. */
export function bind(
  context: Context,
  fingerprint: string,
  { caKey, subject, notAfter, bound }: Claim,
  how: {
    readonly what: 'bound' | 'renewed'
    readonly proof: Proof | ''
    readonly digest: string
    /** What the identity that it renews proved. */
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
  saveIdentity(context.db, identity)
  boundIdentities(context)
  return identity
}

/** Takes an identity of an earlier enrolment back, because an admin says so. */
export function reinstate(context: Context, fingerprint: string): boolean {
  const identity = context.state.identities.find(
    (candidate) => candidate.fingerprint === fingerprint,
  )
  if (!identity) {
    return false
  }
  if (isKept(context, identity)) {
    settle(context, 'admin_earlier', identity.epoch)
  }
  if (identity.epoch === context.state.device.epoch) {
    // One without proof that an admin names is the device.
    settle(context, 'admin')
  } else {
    replacePresent(context)
  }
  accept(context, identity, { what: 'reinstated', proof: 'admin', digest: '' })
  return true
}

/** An identity of the present enrolment from now on; should it become an earlier one's, that is told again. */
export function accept(
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
  heard(context, identity, how.digest)
}

/** Remembers a message that an identity brought, so that the same one again changes nothing. */
export function heard(context: Context, identity: Identity, digest: string): void {
  if (digest !== '') {
    identity.heard = [...identity.heard, digest].slice(-MAX_HEARD)
  }
  saveIdentity(context.db, identity)
}

/** Refuses an identity from the next message on. @returns false when the device never had it. */
export function revoke(context: Context, fingerprint: string): boolean {
  const identity = context.state.identities.find(
    (candidate) => candidate.fingerprint === fingerprint,
  )
  if (!identity) {
    return false
  }
  const isPresent = identity.epoch === context.state.device.epoch
  changeEpoch(identity, REVOKED, { at: context.now, what: 'revoked' })
  saveIdentity(context.db, identity)
  if (isPresent) {
    leaveIfEmpty(context)
  }
  return true
}

/** Each successor is kept for good where it was issued, so that a device gets a few a day. */
function isRenewedOften({ state, now }: Context): boolean {
  const lately = state.identities.filter(
    ({ epoch, history: [first] }) =>
      (epoch === state.device.epoch || epoch === OVERTAKEN) &&
      first?.what === 'renewed' &&
      first.at > now - DAY,
  )
  return lately.length >= MOST_CURRENT
}

/** A certificate that is about to take another's place. */
export interface Succession {
  /** Fingerprint of the identity that it renews. */
  readonly previous: string
  readonly fingerprint: string
  readonly claim: Claim
  /** Issued for a renewal profile: the device's next Authenticate may be signed with it. */
  readonly byProfile: boolean
}

/**
 * Binds the successor of a present identity as it is issued: a pure SCEP renewal has no message of its own, the
 * next one is simply signed with the new certificate (micromdm#557).
 * @returns whether `previous` speaks for the present enrolment, and was not renewed as often as may be within a day.
 */
export function renewIdentity(
  context: Context,
  { previous, fingerprint, claim, byProfile }: Succession,
): boolean {
  const { identities, device } = context.state
  const present = identities.find(
    (known) => known.fingerprint === previous && known.epoch === device.epoch,
  )
  // What is not proven is new: it need not be renewed yet.
  const isUnproven = device.contest !== undefined && present?.proof === ''
  if (
    !present ||
    isUnproven ||
    device.blocked ||
    device.state === 'checked_out' ||
    isRenewedOften(context)
  ) {
    return false
  }
  bind(context, fingerprint, claim, {
    what: 'renewed',
    // It proves no more than the one that it renews.
    proof: present.proof && 'renewal',
    digest: '',
    provenSerial: present.provenSerial,
  })
  if (byProfile) {
    device.installed.successors = [...device.installed.successors, fingerprint].slice(-MOST_CURRENT)
    saveDevice(context.db, device)
  }
  return true
}
