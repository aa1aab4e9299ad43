/** Certificates that another server had bound to a device. */
import type { MovedFrom } from '../../migration/moved.ts'
import { proveNamed } from '../standing/unproven.ts'
import type { Context } from '../store/context.ts'
import { changeEpoch, FROZEN_EPOCH, type Identity } from '../store/rows/identity.ts'
import { doubtEscrow } from '../store/escrow/tokens.ts'
import { newlyMoved } from '../store/rows/device.ts'
import { saveDevice } from '../store/rows/save.ts'

export interface MovedIdentity {
  readonly fingerprint: string
  /** Empty, and 0, if only the fingerprint is known: its chain is checked at its first message. */
  readonly caKey: string
  readonly subject: string
  readonly notAfter: number
}

/**
 * Binds the certificates of a record. A binding is proof for its device: certificates that called without
 * proof are another device's. A device that enrolled here with proof keeps its own certificates alone.
 * `isOurs`: the device has called or enrolled here.
 * @returns why the record does not fit what is here; empty if it does
 */
export function takeBindings(
  context: Context,
  wanted: readonly MovedIdentity[] | undefined,
  { isOurs, source }: { readonly isOurs: boolean; readonly source: MovedFrom },
): string[] {
  const { device, identities } = context.state
  if (!wanted) {
    return []
  }
  const present = identities.filter(({ epoch }) => epoch === device.epoch)
  const isKnown = wanted.some(({ fingerprint }) =>
    present.some((one) => one.fingerprint === fingerprint),
  )
  const isSettled = isOurs && device.moved?.unproven !== true
  if (isSettled && !isKnown && !present.every(({ proof }) => proof === 'adopted')) {
    return wanted.length === 0
      ? []
      : [
          'it has another certificate here than the record names: it enrolled again, so this one counts',
        ]
  }
  if (isSettled && !isKnown && wanted.length > 0 && present.length > 0) {
    doubtCaller(context, source)
  }
  if (!isOurs) {
    // A newer record: the device renewed its certificate with the other server.
    dropMoved(context, wanted)
  }
  for (const one of wanted) {
    bindMoved(context, one)
  }
  if (wanted.length > 0) {
    doubtAdopted(context, wanted)
    proveNamed(
      context,
      wanted.map(({ fingerprint }) => fingerprint),
      'moved',
    )
  }
  return []
}

function dropMoved({ state }: Context, wanted: readonly MovedIdentity[]): void {
  const isGone = ({ proof, fingerprint, epoch }: Identity): boolean =>
    proof === 'moved' &&
    epoch === state.device.epoch &&
    !wanted.some((one) => one.fingerprint === fingerprint)
  const { installed } = state.device
  for (const identity of wanted.length === 0 ? [] : state.identities.filter(isGone)) {
    state.identities.splice(state.identities.indexOf(identity), 1)
    installed.identity = installed.identity === identity.fingerprint ? '' : installed.identity
  }
}

function bindMoved(context: Context, { fingerprint, ...facts }: MovedIdentity): void {
  const { state, now } = context
  const place = state.identities.findIndex((one) => one.fingerprint === fingerprint)
  const known = state.identities[place]
  if (known) {
    // An earlier record may have had the fingerprint alone. A revoked one stays revoked.
    const one = known.caKey === '' ? { ...known, ...facts } : known
    state.identities[place] = one
    if (one.epoch === FROZEN_EPOCH) {
      // An admin froze it, and the binding says that it is the device's.
      changeEpoch(one, state.device.epoch, { at: now, what: 'reinstated' })
    }
    return
  }
  state.identities.push({
    id: (state.identities.at(-1)?.id ?? 0) + 1,
    fingerprint,
    ...facts,
    epoch: state.device.epoch,
    provenSerial: '',
    reported: false,
    history: [{ at: now, what: 'moved' }],
    proof: 'moved',
    heard: [],
  })
  state.device.installed.identity ||= fingerprint
  saveDevice(context)
}

/** A certificate that was adopted before the records came has no proof if they name others. */
function doubtAdopted({ state }: Context, wanted: readonly MovedIdentity[]): void {
  for (const identity of state.identities) {
    if (
      identity.proof === 'adopted' &&
      !wanted.some(({ fingerprint }) => fingerprint === identity.fingerprint)
    ) {
      identity.proof = ''
    }
  }
}

/** All that this device sent here may be another device's. */
function doubtCaller(context: Context, source: MovedFrom): void {
  const { device } = context.state
  device.moved = { ...newlyMoved(context, source), ...device.moved, unproven: true }
  doubtEscrow(context)
}
