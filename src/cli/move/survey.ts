/** What a move would bring, as text: counts, and everything odd. */
import type { MovedChannel } from '../../migration/moved.ts'
import type { PlannedCommand, Remark } from './fit.ts'
import type { Plan, Repository } from './plan.ts'

/** How many ids of a kind are listed. */
const LISTED = 5
const INDENT = '  '
const DAY = 86_400_000
const AGES = [
  ['under a day', DAY],
  ['under a week', 7 * DAY],
  ['under a month', 30 * DAY],
  ['older', Infinity],
] as const

/** @param now for the ages of commands, in milliseconds since 1970 */
export function surveyOf(plan: Plan, options: { verbose: boolean; now: number }): string[] {
  const most = options.verbose ? Infinity : LISTED
  return [
    ...headLines(plan),
    // Blocked devices have a list of their own.
    ...oddLines(
      'Odd:',
      plan.odd.filter(({ what }) => what !== 'blocked'),
      most,
    ),
    ...blockedLines(plan),
    ...commandLines(plan.commands, most, options.now),
    ...keptLines(plan),
  ]
}

/** Their next connect is 401: each is listed, and again before the activation. */
export function blockedLines({ devices }: Plan): string[] {
  const blocked = devices.filter((device) => device.blocked)
  return blocked.length === 0
    ? []
    : [
        '',
        `Blocked devices: ${blocked.length}. A 401 tells each to remove its management when it connects.`,
        ...blocked.map(({ id, facts }) => `${INDENT}${id} ${facts?.SerialNumber ?? ''}`.trimEnd()),
      ]
}

/** The channels that a push reaches, if the server pushes with their topic. */
export function pushable({ devices }: Plan): MovedChannel[] {
  return devices
    .filter(({ blocked, state }) => !blocked && state !== 'checked_out' && state !== 'retired')
    .flatMap(({ channels }) => channels.filter(({ token }) => token !== ''))
}

/** `3 devices`, `1 device`. */
export function counted(count: number, thing: string): string {
  return `${count} ${thing}${count === 1 ? '' : 's'}`
}

/** Ids, and how many more there are. */
export function listedIds(ids: readonly string[], most: number): string {
  const more = ids.length > most ? ` and ${ids.length - most} more (--verbose lists all)` : ''
  return `${ids.slice(0, most).join(', ')}${more}`
}

function headLines(plan: Plan): string[] {
  const { name, source, bytes, digest, devices } = plan
  return source === 'nanomdm'
    ? [
        `${name}: ${counted(bindingsIn(devices), 'binding')} of ${counted(devices.length, 'device')}`,
      ]
    : [
        `${name}: ${bytes} bytes, SHA-256 ${digest}`,
        ...countLines(plan).map((line) => INDENT + line),
      ]
}

function fileLine(files: Repository['files']): string {
  const bytes = files.reduce((sum, { size }) => sum + size, 0)
  return `${counted(files.length, 'file')} of ${bytes} bytes for the repository of apps`
}

function bindingsIn(devices: Plan['devices']): number {
  return devices.reduce((sum, device) => sum + (device.bindings?.length ?? 0), 0)
}

function countLines(plan: Plan): string[] {
  const { devices, commands, pushCertificate, repository, nextSerial } = plan
  const items = Map.groupBy(plan.items, ({ kind }) => kind)
  const count = (kind: Plan['items'][number]['kind']): number => items.get(kind)?.length ?? 0
  const states = Map.groupBy(devices, ({ state }) => state ?? 'without a state')
  const users = devices.flatMap(({ channels }) => channels).filter(({ user }) => user !== '')
  const topics = Map.groupBy(pushable(plan), ({ topic }) => topic)
  const unproven = devices.filter((one) => !one.bindings?.length && one.state !== 'retired').length
  const tokens = (name: 'unlockToken' | 'bootstrapToken'): number =>
    devices.filter((device) => device[name]).length
  return [
    `${counted(devices.length, 'device')}: ` +
      [...states].map(([state, those]) => `${those.length} ${state}`).join(', '),
    counted(users.length, 'user channel'),
    ...[...topics].map(
      ([topic, those]) => `${counted(those.length, 'push token')} of the topic ${topic}`,
    ),
    counted(tokens('unlockToken'), 'unlock token'),
    counted(tokens('bootstrapToken'), 'bootstrap token'),
    counted(bindingsIn(devices), 'certificate binding'),
    ...(unproven > 0
      ? [`${counted(unproven, 'device')} without one: unproven until approved`]
      : []),
    counted(commands.length, 'waiting command'),
    nextSerial === undefined
      ? 'no CA: the messages of devices are refused, unless theirs is accepted here already'
      : `the CA of the devices, next serial ${nextSerial}`,
    counted(count('certificate'), 'issued certificate'),
    counted(count('profile'), 'profile'),
    counted(count('blueprint'), 'blueprint'),
    counted(count('setup_user'), 'setup user'),
    `${counted(count('dep_account'), 'account')} of Apple Business Manager`,
    counted(count('challenge'), 'open challenge'),
    pushCertificate ? 'the push certificate with its key' : 'no push certificate',
    `${counted(plan.kept.length, 'thing')} without a room here yet`,
    ...(repository ? [fileLine(repository.files)] : []),
  ]
}

/** Each kind, each of its sentences, and the first ids. */
export function oddLines(title: string, odd: readonly Remark[], most: number): string[] {
  return [...Map.groupBy(odd, ({ what }) => what)].flatMap(([what, all], n) => {
    const sentences = [...Map.groupBy(all, ({ detail }) => detail)]
    const more = sentences.length - most
    return [
      ...(n === 0 ? ['', title] : []),
      `${INDENT}${what} (${all.length})`,
      ...sentences.slice(0, most).flatMap(([detail, those]) => {
        const ids = those.map(({ about }) => about)
        return [`${INDENT.repeat(2)}${detail}`, `${INDENT.repeat(3)}${listedIds(ids, most)}`]
      }),
      ...(more > 0 ? [`${INDENT.repeat(2)}and ${more} more (--verbose lists all)`] : []),
    ]
  })
}

function commandLines(commands: readonly PlannedCommand[], most: number, now: number): string[] {
  const byType = [...Map.groupBy(commands, ({ requestType }) => requestType)].toSorted(
    ([, one], [, other]) => other.length - one.length,
  )
  return byType.flatMap(([type, those], n) => [
    ...(n === 0 ? ['', 'Waiting commands: they are held here until an admin releases them.'] : []),
    `${INDENT}${type}: ${those.length} (${agesOf(those, now)})`,
    ...(those[0]?.alone
      ? [
          `${INDENT.repeat(2)}each is released by itself`,
          `${INDENT.repeat(3)}${listedIds(those.map(nameOfCommand), most)}`,
        ]
      : []),
  ])
}

function nameOfCommand({ device, user, uuid }: PlannedCommand): string {
  return `${uuid} for ${user === '' ? device : `${device}:${user}`}`
}

function agesOf(commands: readonly PlannedCommand[], now: number): string {
  const ages = Map.groupBy(commands, ({ queuedAt }) =>
    queuedAt === 0
      ? 'of unknown age'
      : (AGES.find(([, limit]) => now - queuedAt < limit)?.[0] ?? 'older'),
  )
  return [...ages].map(([age, those]) => `${those.length} ${age}`).join(', ')
}

/** What has no room here yet. */
export function keptLines({ kept }: Plan): string[] {
  const kinds = Map.groupBy(kept, ({ kind }) => kind)
  return [...kinds].flatMap(([kind, those], n) => {
    const bytes = those.reduce((sum, { data }) => sum + data.length, 0)
    return [
      ...(n === 0 ? ['', 'Kept as it came, because it has no room here yet:'] : []),
      `${INDENT}${kind}: ${those.length}, ${bytes} bytes`,
    ]
  })
}
