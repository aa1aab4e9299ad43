/** Words and sentences of software updates (docs/software-updates.md). */
import type { Schema } from '../../../api/types.ts'
import { counted } from '../../../time/words.ts'

type Policy = Schema<'SoftwareUpdate'>
type Progress = NonNullable<Schema<'SoftwareUpdateDetail'>['progress']>
type State = Schema<'UpdateState'>

interface StateWords {
  readonly word: string
  readonly tone: 'good' | 'warn' | 'bad' | 'quiet' | 'busy'
  /** What to do; where there is nothing to do, empty. */
  readonly advice: string
}

/** In the order of the lists: what needs somebody comes first. */
export const UPDATE_WORDS: Readonly<Record<State, StateWords>> = {
  failed: {
    word: 'Failed',
    tone: 'bad',
    advice: 'Free storage and connect power. A Mac with Apple silicon needs its bootstrap token.',
  },
  'not-applied': {
    word: 'Not possible',
    tone: 'bad',
    advice: 'The device does not get the update, or refuses it: the reason says what to change.',
  },
  'waiting-for-apple': {
    word: 'Not offered by Apple',
    tone: 'warn',
    advice: 'Check that the version exists for this model.',
  },
  silent: { word: 'Silent for a week', tone: 'warn', advice: 'Look whether it is in use.' },
  pending: {
    word: 'Not asked yet',
    tone: 'quiet',
    advice: 'It hears of it at its next connection.',
  },
  scheduled: { word: 'Scheduled', tone: 'busy', advice: '' },
  downloading: { word: 'Downloading', tone: 'busy', advice: '' },
  prepared: { word: 'Downloaded', tone: 'busy', advice: '' },
  installing: { word: 'Installing', tone: 'busy', advice: '' },
  reached: { word: 'Reached', tone: 'good', advice: '' },
}

// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the keys of the table
export const UPDATE_STATE_ORDER = Object.keys(UPDATE_WORDS) as readonly State[]

/** What to do with a device. An OS that knows no declarations is asked by nothing but the command. */
export function adviceOf(state: State, way: Schema<'UpdateWay'>): string {
  return way === 'command' && state === 'pending'
    ? 'Its OS knows no declared updates: send the command.'
    : UPDATE_WORDS[state].advice
}

/** The counts of a policy that are not zero. */
export function countsOf({ states }: Progress): readonly (StateWords & {
  readonly state: State
  readonly count: number
})[] {
  return UPDATE_STATE_ORDER.flatMap((state) => {
    const count = states[state]
    return count > 0 ? [{ state, count, ...UPDATE_WORDS[state] }] : []
  })
}

const moment = new Intl.DateTimeFormat('en-GB', {
  weekday: 'short',
  day: 'numeric',
  month: 'short',
  year: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
  timeZone: 'UTC',
})

/** `2026-12-10T19:00:00` has no zone: each device means its own. */
export function localTime(local: string): string {
  const time = Date.parse(`${local}Z`)
  return Number.isNaN(time) ? local : moment.format(time)
}

export const OWN_ZONE = 'in each device’s own time zone'

/** What devices are to install: the versions that are chosen, with their platforms. */
export function targetText({ target, chosen }: Pick<Policy, 'target' | 'chosen'>): string {
  if (!target) {
    return 'Settings only'
  }
  const versions = Map.groupBy(chosen, ({ version, build }) =>
    build === null ? version : `${version} (${build})`,
  )
  const texts = [...versions].map(
    ([version, list]) => `${list.map(({ platform }) => platform).join(', ')} ${version}`,
  )
  return texts.join('; ') || (target.version ?? 'No version yet')
}

/** Why it is this version. */
export function targetRule({ target }: Pick<Policy, 'target'>): string {
  if (!target) {
    return 'none'
  }
  const { version, build, older_than_days: days, major } = target
  if (version !== null) {
    return build === null ? `exactly ${version}` : `exactly ${version}, build ${build}`
  }
  const which = major === null ? 'the newest version' : `the newest version of ${major}`
  return days === null ? which : `${which} that is at least ${counted(days, 'day')} old`
}

/** When devices install it by themselves. */
export function deadlineText({ deadline, chosen }: Pick<Policy, 'deadline' | 'chosen'>): string {
  const times = [...new Set(chosen.map((one) => one.deadline))]
  return times.length > 0
    ? times.map(localTime).join('; ')
    : deadline?.local
      ? localTime(deadline.local)
      : ''
}

/** The rule of a deadline that moves with the version. */
export function deadlineRule({ deadline }: Pick<Policy, 'deadline'>): string {
  return deadline?.days_after_release === null || deadline?.days_after_release === undefined
    ? ''
    : `${counted(deadline.days_after_release, 'day')} after each release, at ${deadline.time}`
}

const MOST_NAMED = 3

/** The devices of a policy in words. */
export function whomText({
  platforms,
  rule,
  set,
}: Pick<Policy, 'platforms' | 'rule' | 'set'>): string {
  const parts = [
    rule.os_version && `with ${rule.os_version}`,
    rule.os_version_from && `from ${rule.os_version_from} on`,
    rule.os_version_below && `before ${rule.os_version_below}`,
    rule.model && listed(rule.model, 'models'),
    rule.serial_number && listed(rule.serial_number, 'serial numbers'),
    set !== null && `in the set ${set}`,
  ].filter(Boolean)
  return [platforms.join(', '), ...parts].join(', ')
}

function listed(words: readonly string[], many: string): string {
  return words.length > MOST_NAMED
    ? `${words.length.toLocaleString('en-GB')} ${many}`
    : words.join(' or ')
}

/** What a policy would do, before it is stored. */
export function previewText({ devices, ways, states }: Progress): string {
  const { reached } = states
  const { command, none } = ways
  return [
    devices === 0 ? 'No enrolled device fits.' : `${counted(devices, 'device')}.`,
    reached > 0 && `${reached.toLocaleString('en-GB')} of them have the version already.`,
    command > 0 &&
      `${counted(command, 'device')} cannot be asked, because the OS is too old: send the command then.`,
    none > 0 && `${counted(none, 'device')} cannot be updated from here.`,
  ]
    .filter(Boolean)
    .join(' ')
}

export const INSTALL_ACTIONS = {
  Default: 'As the device decides: it downloads and installs',
  DownloadOnly: 'Download only',
  InstallASAP: 'Download, and install as soon as possible (macOS)',
  NotifyOnly: 'Download, and tell the user (macOS)',
  InstallLater: 'Download, and install later (macOS)',
  InstallForceRestart: 'Install, and restart without asking (macOS)',
} as const

export const UPDATE_SENTENCES = {
  none: 'No update policy',
  noneHint:
    'A policy says which devices are to have which OS version by when. The devices download and install it ' +
    'by themselves.',
  deleting:
    'Devices are not asked for this version any more, and lose the settings of this policy at their next ' +
    'connection. A device that is installing the version goes on. A device that has it keeps it.',
  past: 'This moment has passed: devices that hear of it install the version at once.',
  exact: 'Exactly this version: 26.1 never installs 26.1.1.',
  zone: 'In the local time of each device. A device that is off then installs it after it starts.',
  noList:
    'The server has no list of OS versions. A given version works without it; the newest one does not.',
  command:
    'Devices whose OS knows no declared updates get the command ScheduleOSUpdate now. It has no deadline. ' +
    'iPhones and iPads have to be supervised.',
  taken: 'A policy with this name exists: choose another name.',
  name: 'Up to 28 small letters, digits and dashes. Declarations have it in their names.',
  models: 'Model, product name, or how it begins: MacBookAir, iPhone15',
  serials: 'Between commas or in lines. A serial number counts if it is proven.',
  osVersion: '26 also means 26.1.',
  set: 'Only devices that were put into this set.',
  notByFilter: (labels: string): string =>
    `A policy cannot go by these filters: ${labels}. Without them it concerns more devices than the list ` +
    'showed. To mean only those, select the devices in the list.',
} as const

/** The settings of a policy, as they are written in Apple’s declaration. */
export function settingsOf({ settings }: Policy): readonly (readonly [string, string])[] {
  return Object.entries(settings).flatMap(([name, value]) =>
    value === null || value === undefined
      ? []
      : [[titled(name), value === true ? 'Yes' : value === false ? 'No' : String(value)]],
  )
}

function titled(name: string): string {
  return name.charAt(0).toUpperCase() + name.slice(1).replaceAll('_', ' ')
}
