import type { Context } from 'hono'
import { clock } from '../../../clock.ts'
import type { EnrollmentAccess } from '../../../config/enrollment.ts'
import {
  type Invitation,
  type InvitationState,
  invitationOf,
  invitationState,
} from '../../../directory/invitations.ts'
import { isInAbm } from '../../../directory/dep/search.ts'
import { isKnownSerial } from '../../../directory/devices/known-serials.ts'
import { readSerial } from '../../../enroll/serial.ts'
import { INVITATION_PARAM, TOKEN_PARAM } from '../../../enroll/urls.ts'
import { rfc3339 } from '../../../events/event.ts'
import type { AppEnv } from '../../app-env.ts'
import { sameSecret } from '../../../same-secret.ts'

/** Access to an enrolment profile: docs/enrolment.md, "Who may download". */

/**
 * The access that a URL gives. `by-serial`: it depends on the serial number that the device signs. A reason
 * is a text for a person, and says where to get help. 503 is for a refusal that may pass.
 */
export type EnrollAccess =
  | { readonly kind: 'open' | 'by-serial' }
  | { readonly kind: 'invited'; readonly invitation: Invitation }
  | { readonly kind: 'refused'; readonly status: 403 | 503; readonly reason: string }

export type EnrollAllowed = Exclude<EnrollAccess, { kind: 'refused' }>

const ASK = 'ask your administrator for a new one'
const NOT_LISTED =
  'This server enrols only devices whose serial number is on its list, or in Apple Business Manager: ask ' +
  'your administrator to add it, or for an invitation.'

const WRONG_TOKEN =
  'To enrol, open the full link from your administrator: this link has no token, or a wrong one.'
const NOT_YET = 'This server does not yet know whether the link is good: try again in some seconds.'

export const NEEDS_A_SERIAL =
  `${NOT_LISTED} A plain download shows no serial number; ` +
  'Automated Device Enrollment and /ota/enroll do.'

/** In every mode, a link with an invitation depends on the invitation only. A wrong one writes no row. */
export async function accessOf(c: Context<AppEnv>): Promise<EnrollAccess> {
  const secret = c.req.query(INVITATION_PARAM)
  if (secret !== undefined) {
    return invited(await invitationOf(c.env.DB, secret))
  }
  const { access } = c.var.config.enrollment
  switch (access.mode) {
    case 'open':
      return { kind: 'open' }
    case 'known':
      return { kind: 'by-serial' }
    case 'token': {
      const token = c.req.query(TOKEN_PARAM) ?? ''
      if (opens(access, token)) {
        return { kind: 'open' }
      }
      const mayBeGood = token !== '' && access.isDerived && c.var.mayLackKeys
      return mayBeGood ? refused(NOT_YET, 503) : refused(WRONG_TOKEN)
    }
  }
}

/** The access of a device that Setup Assistant enrols: `DEP_ONLY_KNOWN` narrows what is open to all. */
export function adeAccess(c: Context<AppEnv>, access: EnrollAllowed): EnrollAllowed {
  const { depOnlyKnown } = c.var.config.enrollment
  return depOnlyKnown && access.kind === 'open' ? { kind: 'by-serial' } : access
}

/** Why a device that signed this serial number may not enrol; `undefined` if it may. */
export async function serialRefusal(
  d1: D1Database,
  access: EnrollAllowed,
  serial: string,
): Promise<string | undefined> {
  switch (access.kind) {
    case 'open':
      return undefined
    case 'by-serial':
      return (await isKnownSerial(d1, serial)) || (await isInAbm(d1, readSerial(serial) ?? ''))
        ? undefined
        : NOT_LISTED
    case 'invited': {
      const meant = access.invitation.serial
      return meant === '' || meant === readSerial(serial)
        ? undefined
        : `This invitation is for another device: ${ASK}.`
    }
  }
}

function opens({ token, olderTokens }: Extract<EnrollmentAccess, { mode: 'token' }>, sent: string) {
  return [token, ...olderTokens].some((known) => sameSecret(sent, known))
}

function invited(invitation: Invitation | undefined): EnrollAccess {
  if (!invitation) {
    return refused(
      `This server does not know this invitation: check that the link is complete, or ${ASK}.`,
    )
  }
  const state = invitationState(invitation, clock.now())
  return state === 'open'
    ? { kind: 'invited', invitation }
    : refused(`${ENDS[state](invitation)}: ${ASK}.`)
}

const ENDS: Readonly<Record<Exclude<InvitationState, 'open'>, (of: Invitation) => string>> = {
  revoked: () => 'This invitation was revoked',
  used_up: ({ maxUses }) =>
    `This invitation was used ${maxUses === 1 ? 'once' : `${maxUses} times`}, and no more uses are allowed`,
  expired: ({ expiresAt }) => `This invitation ended at ${rfc3339(expiresAt)}`,
}

function refused(reason: string, status: 403 | 503 = 403): EnrollAccess {
  return { kind: 'refused', status, reason }
}
