/** What a device has seen of its setup, beside what the server says of it. */
import { opensAccount } from '../../src/simulator/device/setup.ts'
import type { RunningServer } from '../e2e/server.ts'
import { STEPS, type Fault, type Life, type Machine } from './setup-device.ts'
import { ask } from './setup-scene.ts'

const CONFIGURED = 'DeviceConfigured'
/** The server's list of apps is a question of the step before. */
const PROBE = 'InstalledApplicationList'
const SECOND = 1000
/** A step that is late for so long after a kill is late because of the kill. */
const RECOVERY = 10 * SECOND
const PACKAGE = STEPS.indexOf('InstallApplication')
/** The server asks for the app every ten seconds. */
const PACKAGE_CALLS = 5

export const FLAWS = [
  'missed',
  'released twice',
  'late',
  'early',
  'out of order',
  'other command first',
  'failure not shown',
  'no password',
  'run not over',
] as const
export type Flaw = (typeof FLAWS)[number]

export interface Outage {
  readonly from: number
  readonly to: number
}

interface Run {
  readonly state: string
  readonly deadline: string
  readonly steps: readonly Step[]
}

interface Step {
  readonly state: string
  readonly note: string | null
  readonly started_at: string | null
  readonly ended_at: string | null
}

export interface Verdict {
  readonly kind: Fault['kind']
  readonly flaws: readonly { readonly flaw: Flaw; readonly text: string }[]
  /** Milliseconds from Authenticate to DeviceConfigured. */
  readonly took: number
  /** Steps by their states. */
  readonly states: readonly string[]
}

export async function judge(
  server: RunningServer,
  { lives, fault }: Machine,
  outages: readonly Outage[],
): Promise<Verdict> {
  const life = lives.at(-1)
  if (!life) {
    return {
      kind: fault.kind,
      flaws: [{ flaw: 'missed', text: 'not enrolled' }],
      took: NaN,
      states: [],
    }
  }
  const { items } = await ask<{ items: Run[] }>(server, 'GET', `/api/devices/${life.udid}/setup`)
  const [run] = items
  const isWiped = lives.length > 1
  const flaws: { flaw: Flaw; text: string }[] = []
  const blame = (flaw: Flaw, text: string): void =>
    void flaws.push({ flaw, text: `${life.udid}: ${text}` })
  for (const one of lives) {
    judgeOrder(one, blame)
  }
  if (life.releasedAt === 0) {
    blame(
      'missed',
      `${fault.kind}, ${run?.state}, given ${life.given.map(({ type }) => type).join()}`,
    )
  }
  if (!run || run.state !== 'released') {
    blame('run not over', run?.state ?? 'no run')
  } else {
    judgeTime(life, run, blame)
    judgeSteps(life, run, { fault: isWiped ? undefined : fault, outages }, blame)
    await judgePassword(server, life, run, blame)
  }
  return {
    kind: fault.kind,
    flaws,
    took: life.releasedAt - life.enrolledAt,
    states: run?.steps.map(({ state }) => state) ?? [],
  }
}

type Blame = (flaw: Flaw, text: string) => void

/** The steps come in their order, nothing else comes before the release, and the release comes once. */
function judgeOrder({ given }: Life, blame: Blame): void {
  const released = given.findIndex(({ type }) => type === CONFIGURED)
  const before = released === -1 ? given : given.slice(0, released)
  const places = before
    .filter(({ type }) => type !== PROBE)
    .map(({ type }) => STEPS.indexOf(type as never))
  if (places.includes(-1)) {
    blame('other command first', before.map(({ type }) => type).join())
  }
  if (places.some((place, at) => place < (places[at - 1] ?? 0))) {
    blame('out of order', before.map(({ type }) => type).join())
  }
  const releases = new Set(given.filter(({ type }) => type === CONFIGURED).map(({ uuid }) => uuid))
  if (releases.size > 1) {
    blame('released twice', [...releases].join())
  }
}

/** No poll that began after the time limit ends without the release. */
function judgeTime({ given, polls }: Life, { deadline }: Run, blame: Blame): void {
  const releasedAt = given.find(({ type }) => type === CONFIGURED)?.at ?? Infinity
  const limit = Date.parse(deadline)
  const vain = polls.find(({ began, ended }) => began > limit + SECOND && ended < releasedAt)
  if (vain) {
    blame('late', `polled ${(vain.began - limit) / SECOND} s after its limit`)
  }
}

/** What the device could do is done, and what it could not do is shown with a reason. */
function judgeSteps(
  { polls }: Life,
  { steps }: Run,
  { fault, outages }: { readonly fault: Fault | undefined; readonly outages: readonly Outage[] },
  blame: Blame,
): void {
  steps.forEach((step, n) => {
    const { state, note } = step
    const isFaulty = fault !== undefined && STEP_FAULTS.has(fault.kind) && fault.step === n
    if (isFaulty && (!['failed', 'timed_out'].includes(state) || !note)) {
      blame('failure not shown', `${fault.kind} of step ${n}: ${state} ${note ?? ''}`)
    }
    // A busy machine may leave a device no poll within the time of a step.
    const calls = polls.filter(({ began, ended }) => holds(step, began, ended)).length
    const couldBe = calls >= (n === PACKAGE ? PACKAGE_CALLS : 2)
    const mayFail =
      isFaulty ||
      !couldBe ||
      fault?.kind === 'away' ||
      (fault?.kind === 'cut' && n === PACKAGE) ||
      (fault?.kind === 'NotNow at first' && fault.step === n) ||
      outages.some(({ from, to }) => isWithin(step, from, to + RECOVERY))
    if (state !== 'done' && !mayFail) {
      blame('early', `${fault?.kind ?? 'after a wipe'}: step ${n} is ${state} (${note ?? ''})`)
    }
  })
}

const STEP_FAULTS: ReadonlySet<string> = new Set([
  'NotNow for ever',
  'silent',
  'Error',
  'CommandFormatError',
])

function holds({ started_at: from, ended_at: to }: Step, began: number, ended: number): boolean {
  return from !== null && to !== null && Date.parse(from) <= began && ended <= Date.parse(to)
}

function isWithin({ started_at: from, ended_at: to }: Step, begin: number, end: number): boolean {
  return from !== null && to !== null && Date.parse(from) < end && Date.parse(to) > begin
}

/** The escrow has the password of the account that the device made. */
async function judgePassword(
  server: RunningServer,
  { udid, device }: Life,
  { steps }: Run,
  blame: Blame,
): Promise<void> {
  const isMade = steps[STEPS.indexOf('AccountConfiguration')]?.state === 'done'
  const [account] = device.setup().accounts
  if (isMade !== (account !== undefined)) {
    blame(
      'no password',
      `the step is ${isMade ? '' : 'not '}done, the account is ${account?.shortName}`,
    )
    return
  }
  if (account) {
    const why = { reason: 'bench' }
    const path = `/api/devices/${udid}/escrow/admin_password`
    const { value } = await ask<{ value: string }>(server, 'POST', path, why)
    if (!opensAccount(account, Buffer.from(value, 'base64').toString())) {
      blame('no password', 'the password does not open the account')
    }
  }
}
