import type { z } from '../zod.ts'
import { openKeys } from '../../../commands/request-types.ts'
import type { CommandAnswer, CommandView } from '../../../device/queue/lookup.ts'
import { dictAt, dictsIn, asDict, textAt } from '../../../plist/dict.ts'
import { encodeBase64 } from '../../../plist/base64.ts'
import { tryToRead } from '../../../plist/error.ts'
import { plistJson, type PlistJson } from '../../../plist/json.ts'
import { readPlist } from '../../../plist/read.ts'
import type { PlistDict } from '../../../plist/value.ts'
import { LINK_SIGNATURE } from '../../../repo/link.ts'
import type { commandDetailSchema, commandSummary, pushNote, queuer, step } from './schema.ts'
import { atOrNull, iso, textOrNull } from '../values.ts'

export function commandJson(view: CommandView): z.input<typeof commandSummary> {
  return {
    id: view.id,
    enrollment_id: enrollmentIdOf(view.id),
    command_uuid: view.uuid,
    request_type: view.requestType,
    state: view.state,
    held_for: (view.state === 'held' && view.heldFor) || null,
    queued_at: iso(view.queuedAt),
    queued_by: queuerJson(view.queuedBy),
    not_before: atOrNull(view.notBefore),
    expires_at: atOrNull(view.expiresAt),
    pushed: pushJson(view.push),
    hand_outs: view.handOuts,
    last_handed_out_at: atOrNull(view.handedOutAt),
    not_nows: view.notNows,
    not_now_since: atOrNull(view.notNowSince),
    answered_at: atOrNull(view.answeredAt),
    ended_at: atOrNull(view.endedAt),
    repeatable: view.repeatable ?? false,
  }
}

/** A command's id is its enrolment's id, a dot and a number. */
export function enrollmentIdOf(commandIdParam: string): string {
  return commandIdParam.slice(0, commandIdParam.lastIndexOf('.'))
}

export function queuerJson(by: CommandView['queuedBy']): z.input<typeof queuer> {
  return by
    ? {
        face: by.face,
        key: by.key ?? null,
        actor: by.actor ?? null,
        job_id: by.job ?? null,
        renewal: by.renewal ?? false,
      }
    : null
}

export function pushJson(push: CommandView['push']): z.input<typeof pushNote> {
  return push ? { ...push, at: iso(push.at) } : null
}

export type FoundCommand = Extract<CommandAnswer, { kind: 'command' }>

/** Keys of any report, and outcomes without a value: they hold no secret. */
const OPEN_IN_RESULT: ReadonlySet<string> = new Set([
  'CommandUUID',
  'RequestType',
  'Status',
  'ErrorChain',
  'RejectionReason',
  'UDID',
  'UserID',
  'UserShortName',
  'UserLongName',
  'EnrollmentID',
  'EnrollmentUserID',
  'NotOnConsole',
  'MessageResult',
  'MirroringResult',
  'PasswordChanged',
  'PasswordVerified',
])

export function commandDetailJson(answer: FoundCommand): z.input<typeof commandDetailSchema> {
  const bodies = bodiesOf(answer)
  const { command, result } = bodies
  const secrets = secretsOf(answer, bodies)
  return {
    ...commandJson(answer.view),
    command: command ? withoutSignatures(without(command, 'command', secrets)) : null,
    timeline: timeline(answer.view),
    result: result ? withoutSignatures(without(result, 'result', secrets)) : null,
    secrets,
    errors: result ? errorChain(result) : [],
  }
}

interface Bodies {
  readonly command: PlistDict | undefined
  readonly result: PlistDict | undefined
}

/** The whole command and the whole answer, if they are kept and readable. */
function bodiesOf({ payload, result }: FoundCommand): Bodies {
  const plist = payload && dictOf(payload)
  return {
    command: plist && (dictAt(plist, 'Command') ?? plist),
    result: result && dictOf(result),
  }
}

/** The keys that may hold a secret: all but the known open ones. An unreadable part is one secret. */
export function secretsOf(answer: FoundCommand, bodies: Bodies = bodiesOf(answer)): string[] {
  if (!answer.secret) {
    return []
  }
  const { command, result } = bodies
  const open = openKeys(answer.view.requestType)
  return [
    ...(answer.payload && !command ? ['command'] : []),
    ...Object.keys(command ?? {}).flatMap((key) => (open.includes(key) ? [] : `command.${key}`)),
    ...(answer.result && !result ? ['result'] : []),
    ...Object.keys(result ?? {}).flatMap((key) => (OPEN_IN_RESULT.has(key) ? [] : `result.${key}`)),
  ]
}

/** The kept command and answer with their secrets. An unreadable part is shown as its bytes. */
export function revealedJson(answer: FoundCommand) {
  const { command, result } = bodiesOf(answer)
  return {
    command: wholeJson(command, answer.payload),
    result: wholeJson(result, answer.result),
  }
}

function wholeJson(dict: PlistDict | undefined, bytes: Uint8Array | undefined) {
  if (dict) {
    return plistObject(dict)
  }
  return bytes ? { $data: encodeBase64(bytes) } : null
}

function without(dict: PlistDict, name: string, secrets: readonly string[]): PlistDict {
  return Object.fromEntries(
    Object.entries(dict).filter(([key]) => !secrets.includes(`${name}.${key}`)),
  )
}

/** A link to a file of the repository opens it for its holder: a reader of the command gets none. */
function withoutSignatures(dict: PlistDict): Record<string, PlistJson> {
  return JSON.parse(JSON.stringify(plistObject(dict)).replaceAll(LINK_SIGNATURE, '…'))
}

function timeline(view: CommandView): z.input<typeof step>[] {
  const { push } = view
  const steps = [
    { at: view.queuedAt, what: 'queued' as const },
    ...(push
      ? [{ at: push.at, what: 'pushed' as const, detail: `${push.outcome}: ${push.detail}` }]
      : []),
    ...several('handed_out', view.firstHandedOutAt, view.handOuts, view.handedOutAt),
    ...several('not_now', view.notNowSince, view.notNows, view.notNowAt),
    { at: view.answeredAt, what: 'answered' as const },
    ...(view.endedAt === view.answeredAt
      ? []
      : [{ at: view.endedAt, what: 'ended' as const, detail: view.state }]),
  ]
  return steps
    .filter((taken) => taken.at > 0)
    .toSorted((one, other) => one.at - other.at)
    .map(({ at, what, ...more }) => ({
      at: iso(at),
      what,
      times: 1,
      last_at: iso(at),
      detail: null,
      ...more,
    }))
}

function several(what: 'handed_out' | 'not_now', first: number, times: number, last: number) {
  return times === 0 ? [] : [{ at: first, what, times, last_at: iso(last) }]
}

/** The errors of a report (Apple, "ErrorChainItem"). */
function errorChain(report: PlistDict): z.input<typeof commandDetailSchema>['errors'] {
  return dictsIn(report['ErrorChain']).map((link) => {
    const code = link['ErrorCode']
    return {
      code: typeof code === 'number' ? code : null,
      domain: textOrNull(textAt(link, 'ErrorDomain')),
      description: textOrNull(
        textAt(link, 'USEnglishDescription') || textAt(link, 'LocalizedDescription'),
      ),
    }
  })
}

/** A command or a report; `undefined` if it is unreadable, as a raw payload or a report can be. */
export function dictOf(bytes: Uint8Array): PlistDict | undefined {
  return tryToRead(() => asDict(readPlist(bytes, 'device')))
}

export function plistObject(dict: PlistDict): Record<string, PlistJson> {
  return Object.fromEntries(Object.entries(dict).map(([key, value]) => [key, plistJson(value)]))
}
