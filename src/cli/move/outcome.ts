/** The report of a move, as text. */
import { type Call, itemsAt, type MoveView, type SentItem } from './client.ts'
import type { PlannedCommand } from './fit.ts'
import type { Plan } from './plan.ts'
import { counted, keptLines, listedIds, pushable } from './survey.ts'

const LISTED = 20
const OUTCOMES: readonly (readonly [outcome: string, meaning: string])[] = [
  ['moved', 'as the other server knew them'],
  ['merged', 'have called here before: what was missing is added'],
  ['kept', 'have called here before: nothing was missing'],
  ['contested', 'not moved: decide their contest first, and run the same command again'],
  ['failed', 'not moved yet: run the same command again'],
  ['waiting', 'not served yet: the activation serves them'],
]
const STANDINGS: readonly (readonly [standing: string, meaning: string])[] = [
  ['blocked', 'a 401 tells each to remove its management when it connects'],
  ['retired', 'without a device record: served when they call'],
  ['unproven', 'no certificate is bound to them'],
]

/** Counts by outcome. They are those of the server, so that they are the same after an interruption. */
export function countsOf({ devices, items }: MoveView): string[] {
  const others = Object.entries(items).filter(([kind]) => kind !== 'device')
  return [
    ...[...OUTCOMES, ...STANDINGS].flatMap(([word, meaning]) =>
      devices[word] ? [`  ${counted(devices[word], 'device')} ${word}: ${meaning}`] : [],
    ),
    ...others.map(([kind, count]) => `  ${kind}: ${count}`),
  ]
}

export function checkLines({ checks }: MoveView): string[] {
  return checks.map(({ name, ok, detail }) => {
    // The server does not know the host name in the profiles, and refuses no move for it.
    const no = name === 'host' ? '??' : 'NO'
    return `  ${ok ? 'ok' : no}  ${name}: ${detail}`
  })
}

/** Devices whose first certificate is served, but not trusted. */
export async function unprovenIds(call: Call, move: string): Promise<string[]> {
  const ids: string[] = []
  for await (const { id, standing } of itemsAt(call, move, 'device')) {
    if (standing === 'unproven') {
      ids.push(id)
    }
  }
  return ids
}

/** What new devices get, by kind. */
const ENROLMENT = [
  ['setup_user', 'setup user', []],
  ['blueprint', 'blueprint', []],
  ['dep_key', 'key pair for Apple’s tokens', []],
  [
    'dep_account',
    'account of Apple Business Manager',
    [
      '    The one in use assigns no profile before you look at its rules and confirm it:',
      '      GET /api/dep/accounts, GET /api/dep/accounts/ID/rules',
      '      POST /api/dep/accounts/ID/confirm',
    ],
  ],
] as const

export type EnrolmentEnds = readonly {
  readonly thing: string
  readonly next: readonly string[]
  readonly items: readonly SentItem[]
}[]

/** What became of blueprints, setup users and accounts. */
export async function enrolmentEnds(
  call: Call,
  { id, items }: Pick<MoveView, 'id' | 'items'>,
): Promise<EnrolmentEnds> {
  return Promise.all(
    ENROLMENT.filter(([kind]) => items[kind]).map(async ([kind, thing, next]) => ({
      thing,
      next,
      items: await Array.fromAsync(itemsAt(call, id, kind)),
    })),
  )
}

/** Counts by outcome, and each item with something to say of it. */
function enrolmentLines(ends: EnrolmentEnds, most: number): string[] {
  return ends.flatMap(({ thing, next, items }, n) => {
    const outcomes = Map.groupBy(items, ({ outcome }) => outcome ?? 'waiting')
    const odd = items.filter(({ remark }) => remark !== null)
    return [
      ...(n === 0 ? ['', 'What new devices get:'] : []),
      ...[...outcomes].map(
        ([outcome, those]) =>
          `  ${counted(those.length, thing)} ${OUTCOMES_OF_ITEMS[outcome] ?? outcome}`,
      ),
      ...odd.slice(0, most).map(({ id, remark }) => `    ${id}: ${remark}`),
      ...(odd.length > most ? [`    and ${odd.length - most} more (--verbose lists all)`] : []),
      ...(outcomes.has('applied') ? next : []),
    ]
  })
}

const OUTCOMES_OF_ITEMS: Readonly<Record<string, string>> = {
  applied: 'taken up',
  kept: 'not taken up: what is here stays, or the reason below',
}
export interface ReportFacts {
  /** Absent for the move of another copy, which was completed first. */
  readonly plan: Plan | undefined
  readonly unproven: readonly string[]
  readonly enrolment: EnrolmentEnds
  /** The topic that the server pushes with. */
  readonly topic: string
  readonly verbose: boolean
}

export function reportOf(
  view: MoveView,
  { plan, unproven, enrolment, topic, verbose }: ReportFacts,
): string[] {
  const most = verbose ? Infinity : LISTED
  const channels = plan ? pushable(plan) : []
  const reached = channels.filter((one) => one.topic === topic).length
  return [
    '',
    `${view.name} is active:`,
    ...countsOf(view),
    ...(channels.length > 0
      ? [`  ${reached} of ${counted(channels.length, 'channel')} can be pushed`]
      : []),
    ...(plan ? releaseLines(plan.commands) : []),
    ...enrolmentLines(enrolment, most),
    ...(unproven.length > 0
      ? [
          '',
          `Unproven: ${listedIds(unproven, most)}`,
          'The first certificate that calls is served, without secrets. When you know that it is the device:',
          `  POST /api/enrollments/decide {"ids":["${unproven[0]}"],"decision":"renewal"}`,
        ]
      : []),
    ...(plan ? keptLines(plan) : []),
  ]
}

function releaseLines(commands: readonly PlannedCommand[]): string[] {
  const types = Map.groupBy(commands, ({ requestType }) => requestType)
  const together = [...types].filter(([, [first]]) => !first?.alone).map(([type]) => type)
  const alone = commands.filter((command) => command.alone)
  const body = JSON.stringify({ all: true, request_types: together })
  return commands.length === 0
    ? []
    : [
        '',
        `${counted(commands.length, 'command')} came, each held until it is released:`,
        ...(together.length > 0
          ? [
              `  POST /api/commands/release ${body}`,
              '  POST /api/devices/ID/commands/release   for one device',
            ]
          : []),
        ...(alone.length > 0
          ? [
              `  POST /api/commands/ID/release           for each of the ${alone.length} destructive ones:`,
              '    GET /api/devices/ID/commands lists their ids',
            ]
          : []),
      ]
}
