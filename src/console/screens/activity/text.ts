import type { Activity } from '../../api/news.ts'

/** What happened, in the words of a person. */
export const KIND_WORDS: Readonly<Record<Activity['kind'], string>> = {
  'device.connected': 'Connected',
  'device.changed': 'Device changed',
  'device.enrolled': 'Enrolled',
  'device.renewed': 'Identity renewed',
  'device.checked_out': 'Checked out',
  'device.retired': 'Retired',
  'device.deleted': 'Taken off the lists',
  'device.blocked': 'Blocked',
  'device.unblocked': 'Allowed again',
  'device.contested': 'Enrolment contested',
  'device.settled': 'Contest settled',
  'device.renewal_needed': 'Identity has to be renewed',
  'command.queued': 'Waiting',
  'command.held': 'Held',
  'command.sent': 'Given to the device',
  'command.not_now': 'Put off by the device',
  'command.stalled': 'Ignored 3 times',
  'command.acknowledged': 'Done',
  'command.error': 'Refused',
  'command.format_error': 'Not understood',
  'command.cancelled': 'Cancelled',
  'command.expired': 'Expired',
  'command.superseded': 'Enrolled anew',
  'push.delivered': 'Pushed',
  'push.failed': 'Push failed',
  'push.unregistered': 'Cannot be pushed any more',
  'declaration.changed': 'Declarations changed',
  'declaration.status': 'Status changed',
  'setup.started': 'Setup began',
  'setup.step': 'Setup went on',
  'setup.held': 'Setup is held',
  'setup.timed_out': 'Setup took too long',
  'setup.released': 'Setup released',
  'setup.finished': 'Setup finished',
  'job.changed': 'Job went on',
}

/** What can be filtered by: a topic, or one kind. */
export const FILTERS = [
  ['device', 'Devices'],
  ['device.enrolled', 'Devices that enrolled'],
  ['command', 'Commands'],
  ['command.queued', 'New commands'],
  ['command.acknowledged', 'Commands that are done'],
  ['command.error', 'Commands that were refused'],
  ['command.not_now', 'Commands that were put off'],
  ['push', 'Pushes'],
  ['declaration', 'Declarations'],
  ['setup', 'Setups'],
  ['job', 'Jobs'],
] as const

export type FilterWord = (typeof FILTERS)[number][0]

export const TEXT = {
  title: 'Activity',
  lead: 'What devices and commands do, as it happens. It is kept while a page is open or a program watches.',
  nothing: 'No entry yet',
  since: 'The list begins with the first page that is open. The audit has what people did before.',
  noMatch: 'Nothing matches',
  clear: 'Clear the filters',
  pause: 'Pause',
  paused: (more: number): string =>
    more === 0 ? 'Paused. Nothing new yet.' : `Paused. ${more} new.`,
  resume: 'Resume',
  older: 'Show older',
  device: 'Device',
  deviceHint: 'its id or serial number',
  actor: 'By',
  actorHint: 'the person or key that queued it',
  kind: 'What',
  all: 'Everything',
}

/** One line: the type of the command and what became of it, or what the device did. */
export function wordsOf({
  kind,
  request_type: type,
}: Pick<Activity, 'kind' | 'request_type'>): string {
  const words = KIND_WORDS[kind]
  if (!kind.startsWith('command.')) {
    return words
  }
  return `${type ?? 'Command'}: ${words.charAt(0).toLowerCase()}${words.slice(1)}`
}
