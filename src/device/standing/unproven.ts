/**
 * A device that moved here, and whose certificate neither a binding nor an admin vouches for. The first
 * certificate that calls is served. Secrets, earlier commands and the push tokens of the other server wait.
 */
import { heldRows, resumeRows } from '../store/commands/contest.ts'
import type { Context } from '../store/context.ts'
import { PROOFS, type Proof } from '../store/proof.ts'
import { changeEpoch, FROZEN_EPOCH } from '../store/rows/identity.ts'
import { saveDevice } from '../store/rows/save.ts'
import { pushWaiting } from './contest-commands.ts'
import { provePresent, settleContest } from './contest-end.ts'
import { listAnew } from './directory-row.ts'
import { restoreReplaced, vouchForMoved } from './replaced.ts'

/**
 * An admin decides about a contested or an unproven enrolment.
 * @returns false if there is none, or no certificate has called yet
 */
export function decideStanding(context: Context, proof: Proof): boolean {
  const { device, identities } = context.state
  if (device.contest || !device.moved?.unproven) {
    return settleContest(context, proof)
  }
  if (!identities.some(({ epoch }) => epoch === device.epoch)) {
    return false
  }
  if (PROOFS[proof].earlier === 'back') {
    freezeUnproven(context)
  } else {
    provePresent(context, proof)
    resumeCommands(context)
  }
  listAnew(context)
  return true
}

/** A binding of the other server, or an admin, names the device's certificates: no others are proven. */
export function proveNamed(context: Context, fingerprints: readonly string[], proof: Proof): void {
  const { device, identities } = context.state
  for (const identity of identities) {
    if (fingerprints.includes(identity.fingerprint) && identity.epoch === device.epoch) {
      identity.proof = proof
    }
  }
  freezeUnproven(context)
  vouchForMoved(context)
  resumeCommands(context)
}

/** The unproven certificates are another device's: their messages are answered, and change nothing. */
function freezeUnproven(context: Context): void {
  const { state, now } = context
  const others = state.identities.filter(
    ({ epoch, proof }) => epoch === state.device.epoch && proof === '',
  )
  for (const identity of others) {
    changeEpoch(identity, FROZEN_EPOCH, { at: now, what: 'frozen' })
  }
  if (others.length > 0) {
    restoreReplaced(context)
  }
  saveDevice(context)
}

/** Commands that were queued here while the device was unproven go out. */
function resumeCommands(context: Context): void {
  resumeRows(context.db, heldRows(context.db, 'contest'))
  pushWaiting(context)
}
