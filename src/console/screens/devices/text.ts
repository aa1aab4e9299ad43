/** Words and sentences of devices and their list, as Apple’s guides use them. */
import { counted } from '../../time/words.ts'

export const STATE_WORDS = {
  unknown: 'Never enrolled',
  authenticated: 'Enrolling',
  enrolled: 'Enrolled',
  checked_out: 'Checked out',
} as const

export const PUSH_WORDS = {
  none: 'No token',
  ready: 'Ready',
  failing: 'Failing',
} as const

export const ENROLLMENT_WORDS = {
  automated: 'Automated Device Enrollment',
  device: 'Device Enrollment',
  user: 'User Enrollment',
} as const

export const RENEWAL_WORDS = {
  sent: 'Sent',
  renewed: 'Renewed',
  failed: 'Failed',
  blocked: 'Blocked',
} as const

export const SET_WORDS = {
  get: 'Members get each declaration of the set.',
  now: 'Members get each declaration of the set. A device that matches later is not added: a rule does that.',
  already: (set: string): string => `Nothing to add: all of them are in ${set} already.`,
} as const

export const FILTER_WORDS = {
  search: 'Search',
  platform: 'Platform',
  os: 'OS version',
  osHint: 'A version; 26 also finds 26.1',
  columns: 'Columns',
  on: 'Filters',
  state: 'State',
  push: 'Push',
  enrollment: 'Enrolment',
  supervised: 'Supervised',
  blocked: 'Blocked',
  renewal: 'Renewal',
  contested: 'Contested',
  serialContested: 'Serial number contested',
  name: 'Name',
  model: 'Model',
  serial: 'Serial number',
  seenBefore: 'Last seen before',
  seenAfter: 'Last seen after',
  lastSeen: 'Last seen',
  yes: 'Yes',
  no: 'No',
  seen: {
    'in-1d': 'Within a day',
    'in-7d': 'Within 7 days',
    '7d': 'Not for 7 days',
    '30d': 'Not for 30 days',
    '90d': 'Not for 90 days',
  },
  sort: 'Sort',
  unknown: (value: string): string => `${value} (unknown)`,
  seenOther: (days: number, isWithin: boolean): string =>
    `${isWithin ? 'Within' : 'Not for'} ${counted(days, 'day')}`,
} as const

export const EXPORT_WORDS = {
  title: (total: number): string => `Export ${counted(total, 'device')}`,
  reading: (rows: number, total: number): string =>
    `${rows.toLocaleString('en-GB')} of ${total.toLocaleString('en-GB')} read`,
  done: (rows: number): string =>
    `${counted(rows, 'device')} with the columns that are shown, as CSV.`,
} as const

export const LIST_WORDS = {
  search: 'Search name, serial, UDID or user',
  none: 'No device is enrolled',
  nobodyHere: 'Devices appear here as they enrol.',
  one: 'Your device',
  noMatch: 'No device matches',
  unknownId: (id: string): string =>
    `Nothing is known of ${id}. Commands for it would wait until it enrols.`,
  without: (label: string, count: number): string =>
    `${counted(count, 'device')} without “${label}”`,
  shown: (rows: number, total: number | null, skipped: number): string => {
    const from = skipped + 1
    const of = total === null ? '' : ` of ${total.toLocaleString('en-GB')}`
    return rows === total
      ? counted(rows, 'device')
      : `${from.toLocaleString('en-GB')}–${(skipped + rows).toLocaleString('en-GB')}${of}`
  },
  full: 'More match than a screen should hold. A filter finds them sooner.',
  picked: (count: number): string => `${count.toLocaleString('en-GB')} selected`,
  pickedAll: (count: number): string =>
    `All ${count.toLocaleString('en-GB')} that match are selected`,
  pickAll: (count: number): string => `Select all ${count.toLocaleString('en-GB')} that match`,
  tooMany: (most: number): string =>
    `At most ${most} devices can be picked one by one. Use a filter, and select all that match`,
  tooManyLeft: (most: number): string => `At most ${most} devices can be left out. Use a filter`,
} as const
