import type { Context } from '../store/context.ts'
import { isKept } from '../standing/contest.ts'
import { OVERTAKEN, REVOKED, saveIdentity, type Identity } from '../store/identity-row.ts'

/** As many certificates as a device's object knows. */
const MOST_IDENTITIES = 20
/** As many as speak for the present enrolment: renewals come with their own, and an answer to one may be lost. */
export const MOST_CURRENT = 5

/**
 * Bounds what enrolments and renewals leave behind, as another certificate is bound. The newest of the enrolment stay its own,
 * and so do the one that signed last and those of enrolments that are kept; of the others the oldest are forgotten. A forgotten one may come with an Authenticate, as
 * any of the device's may, so a revoked one is kept until it has expired.
 */
export function boundIdentities(context: Context): void {
  const { db, now, state } = context
  const { device, identities } = state
  const current = identities.filter(({ epoch }) => epoch === device.epoch)
  for (const identity of current.slice(0, -MOST_CURRENT).filter((one) => !isInUse(context, one))) {
    identity.epoch = OVERTAKEN
    saveIdentity(db, identity)
  }
  const forgettable = identities.filter(
    (one) =>
      one.epoch !== device.epoch &&
      !isInUse(context, one) &&
      !isKept(context, one) &&
      !(one.epoch === REVOKED && one.notAfter >= now),
  )
  for (const identity of forgettable.slice(0, Math.max(0, identities.length - MOST_IDENTITIES))) {
    identities.splice(identities.indexOf(identity), 1)
    db.run('DELETE FROM identities WHERE id = ?', identity.id)
  }
}

function isInUse({ state: { device } }: Context, { fingerprint }: Identity): boolean {
  return device.installed.identity === fingerprint
}
