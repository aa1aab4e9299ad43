/**
 * A device in Setup Assistant with the faults that a seed gives it, its alarm, and admins who interfere. It
 * checks at each answer that the setup keeps its promises (docs/architecture.md §29).
 */
import { expect } from 'vitest'
import type { PlannedStep } from '../../../../src/blueprints/plan.ts'
import { setupAlarm, setupDue } from '../../../../src/device/setup/begin.ts'
import { queueWithSetup } from '../../../../src/device/setup/queued.ts'
import { viewSetup } from '../../../../src/device/setup/view.ts'
import { dueTimes } from '../../../../src/device/runtime/alarm.ts'
import { clearQueue } from '../../../../src/device/queue/cancel.ts'
import { channelOf } from '../../../../src/device/store/channels.ts'
import { writePlist } from '../../../../src/plist/write.ts'
import { chanceOf, type Chance } from '../../../attack/fuzz/random.ts'
import { TestObject } from '../object.ts'
import { authenticateAs, checkIn, DEVICE, report, say, tokenUpdate } from '../say.ts'
import { givenIn, planOf, send, step, steer, type Given } from './setup.ts'

const SECOND = 1000
const FINAL = new Set(['done', 'skipped', 'failed', 'timed_out'])
const NEVER_HELD = 'DeviceLock'

/** What a device does with each command of a kind. */
const HABITS = ['Acknowledged', 'Error', 'CommandFormatError', 'NotNow', 'silence', 'busy'] as const
type Habit = (typeof HABITS)[number]

export interface Told {
  /** Which habits, faults and interventions the walk had. */
  readonly had: ReadonlySet<string>
  readonly released: number
}

interface Walker {
  readonly object: TestObject
  readonly chance: Chance
  readonly had: Set<string>
  readonly habits: Map<string, Habit>
  readonly busy: Map<string, number>
  /** The report that the server has not confirmed. */
  undelivered: { status: string; uuid?: string | undefined } | undefined
  who: string
  alarmAt: number
  rings: number
  /** DeviceConfigured: each CommandUUID that the present run has given out. */
  releases: Set<string>
  released: number
  /** The device has acknowledged its release. */
  isFree: boolean
  awayUntil: number
}

/** Some minutes in the life of a device, which a seed makes. @throws where a promise is broken */
export function walkOf(seed: number): Told {
  const walker = arrive(chanceOf(seed, 0))
  enrolAgain(walker, 'A', PROVEN)
  for (let turn = 0; turn < 100; turn += 1) {
    live(walker)
  }
  finish(walker)
  return { had: walker.had, released: walker.released }
}

function arrive(chance: Chance): Walker {
  return {
    object: new TestObject('UDID-1', { keepResults: { kind: 'bounded', count: 50, ms: 1e9 } }),
    chance,
    had: new Set(),
    habits: new Map(),
    busy: new Map(),
    undelivered: undefined,
    who: 'A',
    alarmAt: Infinity,
    rings: 0,
    releases: new Set(),
    released: 0,
    isFree: false,
    awayUntil: 0,
  }
}

/** Time passes, something may happen, and the device calls. */
function live(walker: Walker): void {
  const { object, chance } = walker
  pass(walker, (1 + chance.int(6)) * SECOND)
  if (chance.often(0.15)) {
    const happen = chance.pick(HAPPENINGS)
    walker.had.add(happen.name)
    happen(walker)
    follow(walker)
  }
  if (object.now >= walker.awayUntil) {
    session(walker)
  }
}

/** The clock goes on, and the alarm rings when it is due. */
function pass(walker: Walker, ms: number): void {
  const { object } = walker
  const until = object.now + ms
  while (walker.alarmAt <= until) {
    object.now = Math.max(object.now, walker.alarmAt)
    walker.rings += 1
    expect(walker.rings).toBeLessThan(2000)
    const { due, next } = object.commit(dueTimes)
    walker.alarmAt = next ?? Infinity
    expect(walker.alarmAt).toBeGreaterThan(object.now)
    if (due.announcement.setup && walker.chance.often(0.7)) {
      plan(walker)
    }
    follow(walker)
  }
  object.now = until
}

/** The runtime arms the alarm with each commit. */
function follow(walker: Walker): void {
  const { object } = walker
  const { at } = object.commit(setupAlarm)
  walker.alarmAt = Math.min(walker.alarmAt, object.effects.wakeBy, at > 0 ? at : Infinity)
}

const HAPPENINGS: readonly ((walker: Walker) => void)[] = [
  function evicted({ object }) {
    object.evict()
  },
  function tokenAgain(walker) {
    message(walker, tokenUpdate(DEVICE, { awaitingConfiguration: !walker.isFree }))
  },
  function newToken(walker) {
    message(walker, tokenUpdate(DEVICE, { token: walker.chance.bytes(32) }))
  },
  function away(walker) {
    walker.awayUntil = walker.object.now + walker.chance.int(400) * SECOND
  },
  function wiped(walker) {
    enrolAgain(walker, newIdentity(walker), PROVEN)
  },
  function wipedUnproven(walker) {
    enrolAgain(walker, newIdentity(walker))
  },
  function left(walker) {
    message(walker, checkIn('CheckOut'))
    enrolAgain(walker, newIdentity(walker), PROVEN)
  },
  function commanded(walker) {
    order(walker, 'ProfileList')
  },
  function locked(walker) {
    order(walker, NEVER_HELD)
  },
  function configured(walker) {
    order(walker, 'DeviceConfigured')
  },
  function cleared({ object }) {
    object.commit((context) => clearQueue(context, channelOf(context, '')))
  },
  function skipped({ object }) {
    steer(object, { kind: 'skip' })
  },
  function signalled({ object }) {
    steer(object, { kind: 'signal' })
  },
  function freed({ object }) {
    steer(object, { kind: 'release' })
  },
  function restarted(walker) {
    const { object } = walker
    if (steer(object, { kind: 'restart', origin: 'https://mdm.test' }).kind === 'due') {
      anew(walker)
      plan(walker)
    }
  },
]

const PROVEN = { bound: { udid: true, serial: true } }

function newIdentity({ object }: Walker): string {
  return `identity-${object.now}`
}

let orders = 0
function order({ object }: Walker, requestType: string): void {
  const uuid = `own-${(orders += 1)}`
  const payload = writePlist({ Command: { RequestType: requestType }, CommandUUID: uuid })
  const command = { uuid, requestType, payload, secret: false, source: '' }
  object.commit((context) => queueWithSetup(context, '', command, undefined))
}

/** The same device is set up from the beginning. */
function enrolAgain(walker: Walker, who: string, claim: Parameters<typeof say>[3] = {}): void {
  const { object } = walker
  walker.who = who
  walker.undelivered = undefined
  walker.awayUntil = 0
  walker.isFree = false
  say(object, authenticateAs('SERIAL'), who, { ...claim, digest: `digest-${object.now}` })
  follow(walker)
  message(walker, tokenUpdate(DEVICE, { awaitingConfiguration: true }))
  anew(walker)
  if (walker.chance.often(0.8)) {
    plan(walker)
  }
}

function anew(walker: Walker): void {
  walker.releases = new Set()
  walker.isFree = false
}

function message(walker: Walker, checkin: Parameters<typeof say>[1]): void {
  const answer = say(walker.object, checkin, walker.who, { setup: true })
  expect(answer.kind).toBe('accepted')
  follow(walker)
}

/** The Worker has read the blueprints. */
function plan(walker: Walker): void {
  const { object, chance } = walker
  const facts = object.commit(setupDue)
  if (!facts) {
    return
  }
  const steps = Array.from({ length: chance.int(7) }, () => chance.pick(STEPS)())
  const terms = { timeLimitMs: (60 + chance.int(60)) * SECOND }
  const uuid = `run-${facts.run}-${orders}`
  steer(object, { kind: 'begin', plan: planOf(steps, terms), run: facts.run, uuid })
  follow(walker)
}

const SHORT = { timeoutMs: 10 * SECOND }
const INSTALLED = { kind: 'installed', identifier: 'com.example.app' } as const
const STEPS: readonly (() => PlannedStep)[] = [
  () => send('InstallProfile', { ...SHORT, required: true }),
  () => send('InstallApplication', SHORT),
  () => send('InstallApplication', { ...SHORT, timeoutMs: 30 * SECOND, wait: INSTALLED }),
  () => send('Settings', SHORT),
  () => send('RestartDevice', { timeoutMs: 300 * SECOND }),
  () => send('AccountConfiguration', { ...SHORT, awaitingOnly: true }),
  () => step('declarations', '', SHORT),
  () => step('hold', '', { ...SHORT, wait: { kind: 'signal' } }),
  () => step('profile', 'com.gone', { ...SHORT, fault: 'it was deleted' }),
]

/** The device calls, and answers what it is given until it is given nothing, or has a reason to stop. */
function session(walker: Walker): void {
  let sent = walker.undelivered ?? { status: 'Idle' }
  for (let exchanges = 0; exchanges < 60; exchanges += 1) {
    if (walker.chance.often(0.03)) {
      // The message is lost.
      walker.had.add('cut')
      walker.undelivered = sent
      return
    }
    const given = exchange(walker, sent)
    if (walker.chance.often(0.03)) {
      // The answer is lost: the device sends the message again.
      walker.had.add('cut')
      walker.undelivered = sent
      return
    }
    walker.undelivered = undefined
    if (!given) {
      return
    }
    const status = reaction(walker, given)
    if (status === undefined) {
      return
    }
    sent = { status, ...(status !== 'CommandFormatError' && { uuid: given.uuid }) }
    if (given.type === 'DeviceConfigured' && status === 'Acknowledged') {
      walker.isFree = true
    }
  }
  throw new Error('the server never ends the session')
}

function reaction(
  { habits, busy, chance, had }: Walker,
  { type, uuid }: Given,
): string | undefined {
  const isRelease = type === 'DeviceConfigured'
  const habit =
    habits.get(uuid) ?? (isRelease || chance.often(0.5) ? HABITS[0] : chance.pick(HABITS))
  habits.set(uuid, habit)
  had.add(habit)
  if (habit === 'busy') {
    const times = busy.get(uuid) ?? 0
    busy.set(uuid, times + 1)
    return times < 3 ? 'NotNow' : 'Acknowledged'
  }
  return habit === 'silence' ? undefined : habit
}

const APPS = writePlist({
  InstalledApplicationList: [{ Identifier: 'com.example.app', Installing: false }],
})

function exchange(walker: Walker, sent: { status: string; uuid?: string | undefined }) {
  const { object } = walker
  const answer = say(object, report(DEVICE, sent.status, sent.uuid), walker.who, { body: APPS })
  const given = givenIn(answer)
  const [run] = object.commit(viewSetup).runs
  if (given) {
    checkGiven(walker, given, run)
  }
  const isLate = run?.awaiting && !walker.isFree && !run.endedAt && object.now > run.deadline
  if (isLate && run.state !== 'pending' && given?.type !== NEVER_HELD) {
    expect(given).toMatchObject({ type: 'DeviceConfigured' })
  }
  follow(walker)
  return given
}

type Run = ReturnType<typeof viewSetup>['runs'][number]

function checkGiven(walker: Walker, { type, uuid }: Given, run: Run | undefined): void {
  if (!run || run.endedAt > 0 || type === NEVER_HELD) {
    return
  }
  expect(run.state).not.toBe('pending')
  if (type === 'DeviceConfigured') {
    expect(run.steps.every(({ state }) => FINAL.has(state))).toBe(true)
    walker.released += walker.releases.size === 0 ? 1 : 0
    walker.releases.add(uuid)
    expect([...walker.releases]).toHaveLength(1)
    return
  }
  // Only commands of the run come before its end, and each when its turn has come.
  const turn = run.steps.find(({ state }) => !FINAL.has(state))
  expect([turn?.uuid, turn?.probe?.uuid]).toContain(uuid)
}

/** The device calls until its setup is over. Then nothing is held any more, and nothing waits. */
function finish(walker: Walker): void {
  const { object } = walker
  walker.awayUntil = 0
  for (let polls = 0; polls < 40; polls += 1) {
    pass(walker, 10 * SECOND)
    if (object.commit(setupDue)) {
      plan(walker)
    }
    session(walker)
  }
  const [run] = object.commit(viewSetup).runs
  expect(run?.awaiting ? ['released'] : ['released', 'finished']).toContain(run?.state)
  const held = object
    .db()
    .all("SELECT id FROM commands WHERE state = 'held' AND held_for = 'setup'")
  expect(held).toEqual([])
}
