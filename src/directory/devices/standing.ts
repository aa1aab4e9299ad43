import type { Picked } from '../sql.ts'

/** What lists say of an enrolment. */
export const STANDING_KEYS = [
  'enrolledAt',
  'enrollment',
  'supervised',
  'blocked',
  'userNames',
  'identityNotAfter',
  'renewal',
] as const
export type ListedStandingRow = Picked<'devices', (typeof STANDING_KEYS)[number]>

/** Of a device that is not listed. */
export const NO_STANDING: ListedStandingRow = {
  enrolledAt: 0,
  enrollment: '',
  supervised: null,
  blocked: 0,
  userNames: '',
  identityNotAfter: 0,
  renewal: '',
}
