/** The form of a software update, and what it sends: pure. */
import type { Schema } from '../../../api/types.ts'
import { chipsOf, readWords } from '../../devices/filter.ts'

type NewPolicy = Schema<'PutSoftwareUpdateRequest'>
type Platform = Schema<'UpdatePlatform'>
type OsVersions = Schema<'OsVersions'>

export const UPDATE_PLATFORMS: readonly Platform[] = ['macOS', 'iOS', 'iPadOS', 'tvOS', 'visionOS']

/** What is typed, as it is typed. */
export interface UpdateForm {
  readonly platforms: readonly Platform[]
  readonly isNewest: boolean
  readonly version: string
  /** For the newest version: of this major one, and as old as so many days. */
  readonly major: string
  readonly olderThan: string
  /** As a field of date and time holds it: `2026-12-10T19:00`. */
  readonly local: string
  readonly daysAfter: string
  readonly time: string
  readonly osVersion: string
  readonly below: string
  readonly model: string
  readonly serials: string
  readonly set: string
  /** Empty for the name that follows from the rest. */
  readonly name: string
}

const DAY = 86_400_000
const EVENING = 'T19:00'

function padded(part: number): string {
  return String(part).padStart(2, '0')
}

/** In a week, in the evening, by the reader's calendar. @param now milliseconds */
export function usualDeadline(now: number): string {
  const day = new Date(now + 7 * DAY)
  return `${day.getFullYear()}-${padded(day.getMonth() + 1)}-${padded(day.getDate())}${EVENING}`
}

/**
 * The form at its start, for the devices that the address means as the list of devices does.
 *
 * @returns `ignored` names the filters that a policy does not have
 */
export function firstForm(
  query: URLSearchParams,
  now: number,
): { readonly form: UpdateForm; readonly ignored: readonly string[] } {
  const words = readWords(query, now)
  const kept = new Set(['platform', 'os_version', 'os', 'model', 'serial_number'])
  const ignored = chipsOf(query)
    .filter(({ without }) => !Object.keys(without).some((word) => kept.has(word)))
    // All devices of a policy are enrolled ones.
    .filter(({ without }) => !('state' in without) || words.state?.join() !== 'enrolled')
    .map(({ label }) => label)
  return {
    form: {
      platforms: UPDATE_PLATFORMS.filter((one) => words.platform?.includes(one)),
      isNewest: false,
      version: '',
      major: '',
      olderThan: '',
      local: usualDeadline(now),
      daysAfter: '28',
      time: '19:00',
      osVersion: words.os_version ?? '',
      below: '',
      model: words.model ?? '',
      serials: words.serial_number?.join(', ') ?? '',
      set: '',
      name: '',
    },
    ignored: [
      ...ignored,
      ...(words.q === undefined ? [] : ['Search']),
      ...(query.has('except') ? ['Devices that were left out'] : []),
    ],
  }
}

const texts = (text: string): string[] => text.split(/[,\s]+/).filter(Boolean)
const number = (text: string): number | undefined => (/^\d+$/.test(text) ? Number(text) : undefined)

/** The body of the request. What is empty is left out; the server says what is wrong with the rest. */
export function bodyOfForm(form: UpdateForm): NewPolicy {
  const { osVersion, below, model, serials, set } = form
  const major = number(form.major)
  const older = number(form.olderThan)
  const rule = {
    ...(osVersion !== '' && { os_version: osVersion.trim() }),
    ...(below !== '' && { os_version_below: below.trim() }),
    ...(model.trim() !== '' && { model: model.split(',').map((one) => one.trim()) }),
    ...(texts(serials).length > 0 && { serial_number: texts(serials) }),
  }
  return {
    platforms: [...form.platforms],
    ...(Object.keys(rule).length > 0 && { rule }),
    ...(set.trim() !== '' && { set: set.trim() }),
    target: form.isNewest
      ? {
          newest: true,
          ...(major !== undefined && { major }),
          ...(older !== undefined && { older_than_days: older }),
        }
      : { version: form.version.trim() },
    deadline: form.isNewest
      ? { days_after_release: number(form.daysAfter) ?? null, time: form.time }
      : { local: withSeconds(form.local) },
  }
}

/** A field of date and time leaves the seconds out, and the API wants them. */
export function withSeconds(local: string): string {
  return /T\d\d:\d\d$/.test(local) ? `${local}:00` : local
}

/** Whether enough is filled in to ask the server how many devices are meant. */
export function isComplete({ platforms, isNewest, version, local }: UpdateForm): boolean {
  return platforms.length > 0 && (isNewest || (version.trim() !== '' && local !== ''))
}

const MOST_NAME = 28

/** `macos-26-2`: a name that no policy has yet. */
export function nameOfForm(form: UpdateForm, taken: readonly string[]): string {
  const [platform = 'update', ...others] = form.platforms
  const version = form.isNewest ? `newest ${form.major}` : form.version
  const words = `${others.length > 0 ? 'all' : platform} ${version}`.toLowerCase()
  const name = words.replaceAll(/[^a-z0-9]+/g, '-').replaceAll(/^-|-$/g, '')
  const names = [name, ...Array.from({ length: taken.length }, (_, n) => `${name}-${n + 2}`)]
  return (names.find((one) => !taken.includes(one)) ?? name).slice(0, MOST_NAME)
}

/** The versions that Apple offers for all of some platforms, the newest first. @param now milliseconds */
export function offeredVersions(
  { versions }: Pick<OsVersions, 'versions'>,
  platforms: readonly Platform[],
  now: number,
): readonly string[] {
  const signed = versions.filter(
    ({ supplemental, expires_at: expires }) =>
      !supplemental && (expires === null || Date.parse(expires) > now),
  )
  const having = (platform: Platform): ReadonlySet<string> =>
    new Set(
      signed
        .filter((release) => release.platforms.some((one) => one === platform))
        .map(({ version }) => version),
    )
  const [first, ...others] = platforms.map(having)
  return [...(first ?? [])]
    .filter((version) => others.every((its) => its.has(version)))
    .toSorted((one, other) => compare(other, one))
}

function compare(one: string, other: string): number {
  return one.localeCompare(other, 'en', { numeric: true })
}

/** The same policy, whole, with another deadline. */
export function withDeadline(
  policy: Schema<'SoftwareUpdate'>,
  deadline: NewPolicy['deadline'],
): NewPolicy {
  const { platforms, rule, set, target, details_url, settings } = policy
  return { platforms, rule, set, target, deadline: deadline ?? null, details_url, settings }
}
