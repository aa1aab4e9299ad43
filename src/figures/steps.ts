import { clock } from '../clock.ts'
import { CONTROL_NAME } from './report.ts'

/** How far enrolments come. A stranger can cause the first three. */
export const STEP_KINDS = [
  'profile_sent',
  'refused',
  'certificate_issued',
  'checked_in',
  'enrolled',
] as const

export interface EnrolmentStep {
  readonly id: string
  /** Milliseconds. */
  readonly at: number
  readonly kind: (typeof STEP_KINDS)[number]
  /** The way of a profile, the reason of a refusal, the subject of a certificate, the name of a device. */
  readonly detail: string
  /** Empty while no device has said who it is. */
  readonly device: string
}

/** Of each kind: a stranger who repeats one pushes no step of another kind out. */
const MOST = 10
const MAX_DETAIL = 200
/**
 * Steps that a stranger can cause are handed on so often at most: each hand-over is a paid call. Those of
 * devices go sooner.
 */
const EVERY = 2000
const EVERY_OF_DEVICES = 250

/** What this isolate saw. It is in no storage: strangers store nothing. */
let seen: readonly EnrolmentStep[] = []
/** Of them, those that are not handed on. */
let fresh: readonly EnrolmentStep[] = []
let handedAt = 0

/** Notes a step in the memory of this isolate. Texts of a sender are cut. */
export function noteStep(kind: EnrolmentStep['kind'], detail: string, device = ''): void {
  const step: EnrolmentStep = {
    id: crypto.randomUUID(),
    at: clock.now(),
    kind,
    detail: detail.slice(0, MAX_DETAIL).toWellFormed(),
    device: device.slice(0, MAX_DETAIL).toWellFormed(),
  }
  seen = newestSteps([step], seen)
  fresh = newestSteps([step], fresh)
}

/** The newest steps of each kind, each once, the newest first. Of a device only its newest of a kind. */
export function newestSteps(
  ...lists: readonly (readonly EnrolmentStep[])[]
): readonly EnrolmentStep[] {
  const all = new Map(lists.flat().map((step) => [step.id, step]))
  const inOrder = [...all.values()].toSorted((one, other) => other.at - one.at)
  const ofDevices = new Map(
    inOrder.toReversed().map((step) => [`${step.kind} ${step.device}`, step]),
  )
  const counts: Partial<Record<EnrolmentStep['kind'], number>> = {}
  return inOrder
    .filter((step) => step.device === '' || ofDevices.get(`${step.kind} ${step.device}`) === step)
    .filter(({ kind }) => (counts[kind] = (counts[kind] ?? 0) + 1) <= MOST)
}

export function seenSteps(): readonly EnrolmentStep[] {
  return seen
}

/** Steps to hand on now; `undefined` if there are none, or if they may wait. */
function takeSteps(): readonly EnrolmentStep[] | undefined {
  const now = clock.now()
  const isDevice = fresh.some(({ kind }) => kind === 'checked_in' || kind === 'enrolled')
  if (fresh.length === 0 || now - handedAt < (isDevice ? EVERY_OF_DEVICES : EVERY)) {
    return undefined
  }
  const taken = fresh
  fresh = []
  handedAt = now
  return taken
}

/** The one object that all isolates hand their steps to. It keeps them in memory. */
interface StepsEnv {
  readonly CONTROL?: {
    getByName(name: string): { noteSteps(steps: readonly EnrolmentStep[]): Promise<void> }
  }
}

/** Hands the steps of this isolate on if it is time. What fails is tried again with later steps. */
export function reportSteps(env: StepsEnv, later: (work: Promise<void>) => void): void {
  const taken = env.CONTROL && takeSteps()
  if (taken) {
    later(hand(env.CONTROL, taken))
  }
}

async function hand(objects: StepsEnv['CONTROL'], taken: readonly EnrolmentStep[]): Promise<void> {
  try {
    await objects?.getByName(CONTROL_NAME).noteSteps(taken)
  } catch {
    fresh = newestSteps(fresh, taken)
  }
}
