import type { Schema } from '../../api/types.ts'
import { counted } from '../../time/words.ts'

type Job = Schema<'Job'>
type Fleet = NonNullable<Schema<'Overview'>['devices']>

/** What a job does, to how many. */
export function jobTitle({ kind, command, total }: Job): string {
  const devices = counted(total, 'device')
  switch (kind) {
    case 'command':
      return `${command?.request_type ?? 'A command'} to ${devices}`
    case 'replay':
      return `Events of ${devices}, posted again`
    case 'release':
      return `Held commands of ${devices}, released`
    case 'renewal':
      return 'Identities, renewed before they end'
    case 'push-waiting':
      return 'Devices for which something waits, pushed'
    case 'move':
      return 'A fleet that moves here'
    case 'declarations':
    case 'rollout':
      return `Declarations to ${devices}`
  }
}

/** A number of the fleet that somebody should look at, and where the devices are. */
export interface Concern {
  readonly text: string
  readonly fix: string
  readonly to: string
  /** What the link shows, for a reader of the screen. */
  readonly of: string
}

/** What the numbers of the fleet say that no check of the server does. */
export function concernsOf({
  by_push: push,
  contested,
  declarations_failing: failing,
}: Fleet): readonly Concern[] {
  const concerns: readonly (readonly [count: number, concern: Concern])[] = [
    [
      push.failing,
      {
        text: `${counted(push.failing, 'device')} cannot be pushed: APNs says that the token is dead`,
        fix: 'the device was erased, or has lost its profile: look when it was last seen, and enrol it again',
        to: '/console/devices?push=failing',
        of: 'devices',
      },
    ],
    [
      contested,
      {
        text: `${counted(contested, 'enrolment is', 'enrolments are')} contested: two claim to be one device`,
        fix: 'decide which one is the device: it gets no commands before',
        to: '/console/devices?contested=true',
        of: 'devices',
      },
    ],
    [
      failing,
      {
        text: `${counted(failing, 'device reports', 'devices report')} that a declaration failed`,
        fix: 'see the reason in words, mend its cause, and re-send the declaration',
        to: '/console/declarations',
        of: 'failed declarations',
      },
    ],
  ]
  return concerns.filter(([count]) => count > 0).map(([, concern]) => concern)
}

/** Shares of the enrolled devices by OS: the commonest versions, and the rest of each platform as one. */
export function osRows(
  fleet: Fleet,
  most: number,
): readonly { readonly label: string; readonly enrolled: number; readonly to: string }[] {
  const shown = fleet.by_os.slice(0, most)
  const rest = fleet.by_platform.map(({ platform, enrolled }) => ({
    platform,
    enrolled:
      enrolled -
      shown.filter((one) => one.platform === platform).reduce((all, one) => all + one.enrolled, 0),
  }))
  return [
    ...shown.map(({ platform, version, enrolled }) => ({
      label: `${platform ?? 'Unknown'} ${version}`,
      enrolled,
      to: devicesOf({ platform, os: version }),
    })),
    ...rest
      .filter(({ enrolled }) => enrolled > 0)
      .map(({ platform, enrolled }) => ({
        label: `${platform ?? 'Unknown'}, other versions`,
        enrolled,
        to: devicesOf({ platform }),
      })),
  ]
}

/** The list of devices with a filter. */
export function devicesOf(words: Readonly<Record<string, string | null>>): string {
  const given = Object.entries(words).flatMap(([name, word]) => (word ? [[name, word]] : []))
  return `/console/devices?${new URLSearchParams(given).toString()}`
}

/** Where a finding is mended. */
export function placeOf({
  id: check,
  webhook_id: webhook,
}: Pick<Schema<'HealthFound'>, 'id' | 'webhook_id'>): string {
  return webhook === null
    ? `/console/health?check=${encodeURIComponent(check)}`
    : `/console/webhooks/${encodeURIComponent(webhook)}`
}
