/** Assigning profiles, and reading back what became of it. */
import { clock, wait } from '../clock.ts'
import {
  needsAssignment,
  nextAssignTry,
  readDetails,
  readOutcomes,
  serialCalls,
  type AssignOutcome,
} from '../dep/assignments.ts'
import type { DepAnswer, DepRefusal } from '../dep/client.ts'
import {
  dueDevices,
  storeOutcomes,
  storePage,
  UNASSIGNED,
  type DueDevice,
  type StoredOutcome,
} from '../directory/dep/devices.ts'
import { callApple, isResting } from './call.ts'
import { loadPlanner, wantedNow, type Planner } from './planner.ts'
import { tellChanges } from './run.ts'
import { releasedIn, seenDevice } from './seen.ts'
import type { OpenAccount } from './state.ts'
import { tellDep } from './tell.ts'

/** Serial numbers of one call. */
const MAX_SERIALS = 1000
/** At most one assignment a second. */
const PACE = 1000
/** Apple has taken the assignment, and the device's record has not been read since. */
const TAKEN: AssignOutcome = 'SUCCESS'

/** `devices`: Apple's word for each serial number; `FAILED` also for one that Apple left out. */
export type Assigned =
  | { readonly kind: 'assigned'; readonly devices: Readonly<Record<string, AssignOutcome>> }
  | { readonly kind: 'refused'; readonly answer: DepRefusal }

type Try = Pick<DueDevice, 'serial' | 'tries'>

/** Does one call's worth of the assignments that are due. What Apple refuses is due again later. */
export async function assignDue(account: OpenAccount): Promise<void> {
  const { env, id } = account
  if (clock.now() < account.assignAt) {
    return
  }
  const due = await dueDevices(env.DB, id, clock.now(), MAX_SERIALS)
  const taken = due.filter(({ outcome }) => outcome === TAKEN)
  const wanted = due[0]?.wanted
  if (taken.length > 0) {
    await readLater(account, taken)
  } else if (wanted !== undefined) {
    const group = due.filter((device) => device.wanted === wanted)
    const done = await assignGroup(account, wanted, group)
    if (done.kind === 'refused') {
      await noteRefusal(account, wanted, group, done.answer)
    }
  }
}

/** Reads back, or in an hour if Apple refuses that without a time. */
async function readLater(account: OpenAccount, taken: readonly DueDevice[]): Promise<void> {
  const refusal = await readBack(account, taken)
  if (refusal && !isResting(account, clock.now())) {
    const dueAt = nextAssignTry('FAILED', 0, undefined, clock.now())
    const stored = taken.map((device) => ({ ...device, dueAt }))
    await storeOutcomes(account.env.DB, account.id, stored)
  }
}

/** Assigns a profile that a person chose. What Apple did not do is tried again by the alarm. */
export async function assignSerials(
  account: OpenAccount,
  profileUuid: string,
  serials: readonly string[],
): Promise<Assigned> {
  const devices: Record<string, AssignOutcome> = {}
  for (const { serials: part } of serialCalls('assign', serials)) {
    if (account.assignAt > clock.now()) {
      await wait(account.assignAt - clock.now())
    }
    const group = part.map((serial) => ({ serial, tries: 0 }))
    const done = await assignGroup(account, profileUuid, group)
    if (done.kind === 'refused') {
      if (!isUnknownProfile(done.answer)) {
        await noteRefusal(account, profileUuid, group, done.answer)
      }
      return done
    }
    Object.assign(devices, done.devices)
  }
  return { kind: 'assigned', devices }
}

/** A person mistyped it. Another try is of no use, and devices keep the profile that they were to get. */
function isUnknownProfile(answer: DepRefusal): boolean {
  return answer.kind === 'refused' && answer.code === 'PROFILE_NOT_FOUND'
}

async function assignGroup(
  account: OpenAccount,
  wanted: string,
  group: readonly Try[],
): Promise<Assigned> {
  const { env, id } = account
  const serials = group.map(({ serial }) => serial)
  const [first] = serialCalls('assign', serials, wanted)
  if (!first) {
    return { kind: 'assigned', devices: {} }
  }
  account.assignAt = clock.now() + PACE
  const answer = await callApple(account, first.call)
  if (answer.kind !== 'ok') {
    return { kind: 'refused', answer }
  }
  const { outcomes, retryAfter } = readOutcomes(answer.json, serials)
  const now = clock.now()
  const stored = group.map(({ serial, tries }) => {
    const outcome = outcomes.get(serial) ?? 'FAILED'
    return outcome === TAKEN
      ? { serial, outcome, tries, wanted, dueAt: now }
      : {
          serial,
          outcome,
          tries: tries + 1,
          wanted,
          dueAt: nextAssignTry(outcome, tries, retryAfter, now),
        }
  })
  await storeOutcomes(env.DB, id, stored)
  await tellFailed(account, wanted, stored)
  await readBack(
    account,
    stored.filter(({ outcome }) => outcome === TAKEN || outcome === 'NOT_ACCESSIBLE'),
  )
  return { kind: 'assigned', devices: Object.fromEntries(outcomes) }
}

/**
 * Apple refuses this call alone, because of the profile for example: its devices wait as after a failure, and
 * do not stop the others.
 */
async function noteRefusal(
  account: OpenAccount,
  wanted: string,
  group: readonly Try[],
  answer: DepRefusal,
): Promise<void> {
  const now = clock.now()
  if (isResting(account, now)) {
    return
  }
  const outcome = (answer.kind === 'refused' && answer.code) || 'FAILED'
  const stored = group.map(({ serial, tries }) => {
    const dueAt = nextAssignTry('FAILED', tries, undefined, now)
    return { serial, outcome, tries: tries + 1, wanted, dueAt }
  })
  await storeOutcomes(account.env.DB, account.id, stored)
  await tellFailed(account, wanted, stored)
}

async function tellFailed(
  { env, id }: OpenAccount,
  profile: string,
  stored: readonly StoredOutcome[],
): Promise<void> {
  const failed = stored.filter(({ outcome }) => outcome !== TAKEN)
  if (failed.length > 0) {
    const devices = Object.fromEntries(failed.map(({ serial, outcome }) => [serial, outcome]))
    await tellDep(env, id, { topic: 'dep.failed', about: { profile, devices } })
  }
}

/** Only Apple's answer says that a device has its profile. Devices that were released get no more tries. */
async function readBack(
  account: OpenAccount,
  group: readonly DueDevice[],
): Promise<DepRefusal | undefined> {
  const serials = group.map(({ serial }) => serial)
  const answer = await readRecords(account, serials, await loadPlanner(account))
  if (answer?.kind !== 'ok') {
    return answer
  }
  const { env, id } = account
  const details = readDetails(answer.json)
  const now = clock.now()
  const isAssigned = ({ serial, wanted }: DueDevice): boolean => {
    const device = details.get(serial)
    return device !== undefined && !needsAssignment(device, wanted)
  }
  const assigned = group.filter(isAssigned)
  const open = group.filter((device) => !isAssigned(device) && device.outcome === TAKEN)
  await storeOutcomes(env.DB, id, [
    ...assigned.map(({ serial }) => ({ serial, outcome: TAKEN, tries: 0, dueAt: 0, wanted: '' })),
    ...open.map(({ serial, wanted, tries }) => {
      const dueAt = nextAssignTry('FAILED', tries, undefined, now)
      return { serial, wanted, outcome: 'FAILED', tries: tries + 1, dueAt }
    }),
  ])
  for (const [profile, devices] of Map.groupBy(assigned, ({ wanted }) => wanted)) {
    const about = { profile, devices: devices.map(({ serial }) => serial) }
    await tellDep(env, id, { topic: 'dep.assigned', about })
  }
  return undefined
}

/** Reads the records of devices, at most 1,000, and stores them. @returns undefined for no device */
async function readRecords(
  account: OpenAccount,
  serials: readonly string[],
  plan: Planner,
): Promise<DepAnswer | undefined> {
  const [first] = serialCalls('details', serials)
  const answer = first && (await callApple(account, first.call))
  if (answer?.kind !== 'ok') {
    return answer
  }
  const { env, id } = account
  const asked = new Set(serials)
  const found = [...readDetails(answer.json).values()]
    .filter((device) => asked.has(device.serial_number))
    .map((device) => seenDevice(device, wantedNow(account, plan, device)))
  const released = releasedIn(answer.json, serials).map((serial) =>
    seenDevice({ serial_number: serial, op_type: 'deleted' }, ''),
  )
  const devices = [...found, ...released]
  const rows = await storePage(env.DB, id, { devices, fresh: true }, clock.now())
  await tellChanges(account, { ...rows, full: false })
  return answer
}

/** Takes the profiles of devices away. No rule gives them one again: a person has to. */
export async function unassignSerials(
  account: OpenAccount,
  serials: readonly string[],
): Promise<Assigned> {
  const { env, id } = account
  const devices: Record<string, AssignOutcome> = {}
  for (const { call, serials: part } of serialCalls('remove', serials)) {
    const answer = await callApple(account, call)
    if (answer.kind !== 'ok') {
      return { kind: 'refused', answer }
    }
    const { outcomes } = readOutcomes(answer.json, part)
    Object.assign(devices, Object.fromEntries(outcomes))
    const done = part.filter((serial) => outcomes.get(serial) === TAKEN)
    const stored = { outcome: UNASSIGNED, tries: 0, dueAt: 0, wanted: '' }
    await storeOutcomes(
      env.DB,
      id,
      done.map((serial) => ({ serial, ...stored })),
    )
    await readRecords(account, done, await loadPlanner(account))
  }
  return { kind: 'assigned', devices }
}
