/** A device that is set up, its messages, and a plan for it. */
import { expect } from 'vitest'
import type { PlannedStep, SetupPlan, StepWait } from '../../../../src/blueprints/plan.ts'
import { dueTimes } from '../../../../src/device/runtime/alarm.ts'
import { setupDue } from '../../../../src/device/setup/begin.ts'
import { answerSetup, type SetupRequest } from '../../../../src/device/setup/requests.ts'
import { viewSetup } from '../../../../src/device/setup/view.ts'
import { asDict, dictAt, stringAt } from '../../../../src/plist/dict.ts'
import { readPlist } from '../../../../src/plist/read.ts'
import { writePlist } from '../../../../src/plist/write.ts'
import { TestObject } from '../object.ts'
import { authenticateAs, DEVICE, report, say, tokenUpdate } from '../say.ts'

const ACK: StepWait = { kind: 'ack' }

export function step(kind: string, subject: string, more: Partial<PlannedStep> = {}): PlannedStep {
  return { kind, subject, required: false, timeoutMs: 60_000, wait: ACK, ...more }
}

/** A step with a command of this RequestType. */
export function send(requestType: string, more: Partial<PlannedStep> = {}): PlannedStep {
  const uuid = `${requestType}-${(uuids += 1)}`
  const payload = writePlist({ Command: { RequestType: requestType }, CommandUUID: uuid })
  const secret = requestType === 'AccountConfiguration'
  return step('command', requestType, { command: { uuid, requestType, payload, secret }, ...more })
}
let uuids = 0

export function planOf(steps: readonly PlannedStep[], more: Partial<SetupPlan> = {}): SetupPlan {
  const blueprints = [{ uuid: 'b-1', name: 'Mac', version: 1 }]
  return { blueprints, timeLimitMs: 900_000, release: 'always', steps, ...more }
}

/** The device enrols; its blueprints are not read yet. */
export function enrols(object: TestObject, awaitingConfiguration = true, who = 'A'): void {
  say(object, authenticateAs('SERIAL'), who)
  const answer = say(object, tokenUpdate(DEVICE, { awaitingConfiguration }), who, { setup: true })
  expect(answer.kind).toBe('accepted')
}

/** The Worker has read the blueprints. */
export function begin(object: TestObject, plan: SetupPlan | undefined): void {
  const facts = object.commit(setupDue)
  expect(facts).toBeDefined()
  const request = { kind: 'begin', plan, run: facts?.run ?? 0, uuid: 'run' } as const
  expect(steer(object, request)).toEqual({ kind: 'begun', begun: true })
}

export function steer(object: TestObject, request: SetupRequest) {
  return object.commit((context) => answerSetup(context, request))
}

/** A device that waits in Setup Assistant, with its plan. */
export function inSetup(
  steps: readonly PlannedStep[],
  more: Partial<SetupPlan> & { readonly awaiting?: boolean } = {},
): TestObject {
  const { awaiting = true, ...terms } = more
  const object = new TestObject('UDID-1', { keepEvents: { count: 100, ms: 86_400_000 } })
  enrols(object, awaiting)
  begin(object, planOf(steps, terms))
  return object
}

export interface Given {
  readonly type: string
  readonly uuid: string
}

/** What the device is given for a report; `undefined` for an empty answer. */
export function connect(
  object: TestObject,
  status = 'Idle',
  uuid?: string,
  who = 'A',
): Given | undefined {
  return givenIn(say(object, report(DEVICE, status, uuid), who))
}

export function connectWith(object: TestObject, uuid: string, body: Uint8Array): Given | undefined {
  return givenIn(say(object, report(DEVICE, 'Acknowledged', uuid), 'A', { body }))
}

export function givenIn(answer: ReturnType<typeof say>): Given | undefined {
  if (answer.kind !== 'accepted' || !answer.reply) {
    return undefined
  }
  const plist = asDict(readPlist(answer.reply))
  const command = dictAt(plist, 'Command')
  return {
    type: (command && stringAt(command, 'RequestType')) ?? '',
    uuid: stringAt(plist, 'CommandUUID') ?? '',
  }
}

/** A device that acknowledges all that it is given. @returns the types, in their order */
export function walk(
  object: TestObject,
  answer: (given: Given) => string = () => 'Acknowledged',
  who = 'A',
): string[] {
  const types: string[] = []
  let given = connect(object, 'Idle', undefined, who)
  while (given && types.length < 100) {
    types.push(given.type)
    given = connect(object, answer(given), given.uuid, who)
  }
  return types
}

/** The alarm rings. */
export function ring(object: TestObject) {
  return object.commit(dueTimes)
}

export function runOf(object: TestObject) {
  const [run] = object.commit(viewSetup).runs
  if (!run) {
    throw new Error('the device has no run')
  }
  return run
}

export const states = (object: TestObject): string[] =>
  runOf(object).steps.map(({ state }) => state)

/** The topics of the events about the setup. */
export function told(object: TestObject): string[] {
  return object
    .db()
    .all<{ topic: string }>("SELECT topic FROM events WHERE topic GLOB 'setup.*' ORDER BY seq")
    .map(({ topic }) => topic)
}
