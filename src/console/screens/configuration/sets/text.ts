/** Sentences of sets. */

export const WHAT_SETS_ARE =
  'A set is a name for devices and declarations. Each device of a set gets each of its declarations.'

export const SET_GONE = 'No set has this name: it was deleted, or the address is mistyped.'

export const MEMBER_HINT =
  'UDID, EnrollmentID or UDID:UserID, one a line. A device may be added before it enrols.'

export const NAME_TAKEN = 'A set has this name already. Choose another one, or change that set.'

export const SET_MEANWHILE =
  'Somebody else has changed it meanwhile. What you typed stays here, and is not stored. Now it is:'

export const LOSES_DECLARATIONS = (declarations: string): string =>
  `Its devices remove its ${declarations}, unless another set has them. The declarations themselves stay.`

export function ownedBy(owner: string): string {
  return `${owner} makes this set: change it there.`
}

export function setPage(id: string): string {
  return `/console/sets/${encodeURIComponent(id)}`
}
