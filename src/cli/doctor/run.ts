import { ApiError, callApi, causeOf } from '../api-client.ts'
import { messageOf } from '../error.ts'
import { doctorAccess, askProbe } from './ask.ts'
import { type Conceal, concealing, concealInVerdict, guardedFetch } from './conceal.ts'
import {
  type DoctorCheck,
  type DoctorContext,
  NEEDS_A_KEY,
  type ProbeAnswer,
  type DoctorResult,
  type ServerHealth,
  type DoctorVerdict,
} from './check.ts'

export interface DoctorEffects {
  readonly fetch: typeof fetch
  readonly now: () => number
  /** A signal that comes after so many milliseconds. */
  readonly timeout: (milliseconds: number) => AbortSignal
  /** How far the checks are. */
  readonly tell?: (done: number, total: number) => void
}

/** What is examined: a context without what a run adds to it. */
export type Patient = Omit<DoctorContext, 'fetch' | 'now' | 'health' | 'devices'>

const AT_ONCE = 6
const SECONDS = 10
const SHARED_SECONDS = 25
/** The free plan allows 50 calls of objects a request. */
const SAMPLE = 20
const TOTAL_SECONDS = 58

/** The checks that others depend on, by what those need. */
const GATES = { server: 'reachable', key: 'admin-auth' } as const
const NEEDS: Readonly<Record<DoctorCheck['needs'], readonly string[]>> = {
  nothing: [],
  account: [],
  server: [GATES.server],
  key: [GATES.server, GATES.key],
}

/**
 * Runs the checks that are wanted, in the order of their numbers. The checks that these need run too, and
 * are in the result if they fail.
 */
export async function runChecks(
  all: readonly DoctorCheck[],
  isWanted: (check: DoctorCheck) => boolean,
  patient: Patient,
  effects: DoctorEffects,
): Promise<readonly DoctorResult[]> {
  const begun = effects.now()
  const needed = new Set(
    all
      .filter((check) => isWanted(check) && !reasonAgainst(check, patient))
      .flatMap(({ needs }) => NEEDS[needs]),
  )
  const chosen = all.filter((check) => isWanted(check) || needed.has(check.id))
  const results: DoctorResult[] = []
  const conceal = concealing(patient.key)
  const context = contextOf(patient, effects, conceal)
  for (const stage of [0, 1, 2]) {
    const queue = chosen
      .filter((check) => stageOf(check) === stage)
      .toSorted((one, other) => secondsOf(other) - secondsOf(one))
    const work = async (): Promise<void> => {
      for (let check = queue.shift(); check; check = queue.shift()) {
        const left = begun + TOTAL_SECONDS * 1000 - effects.now()
        const { number, id, title } = check
        const verdict = await verdictOf(check, { context, results, left, effects })
        results.push({ number, id, title, ...concealInVerdict(verdict, conceal) })
        effects.tell?.(results.length, chosen.length)
      }
    }
    await Promise.all(Array.from({ length: AT_ONCE }, work))
  }
  const shown = new Set(all.filter(isWanted).map(({ number }) => number))
  return all
    .flatMap((check) => results.filter(({ id }) => id === check.id))
    .filter(({ number, level }) => shown.has(number) || level === 'fail')
    .toSorted((one, other) => one.number - other.number)
}

/** A check runs after those that it depends on. */
function stageOf({ needs, id }: DoctorCheck): 0 | 1 | 2 {
  return needs === 'nothing' ? 0 : id === GATES.key ? 1 : 2
}

function secondsOf({ seconds = SECONDS }: DoctorCheck): number {
  return seconds
}

function contextOf(patient: Patient, effects: DoctorEffects, conceal: Conceal): DoctorContext {
  const { fetch: fetchIt, now, timeout } = effects
  let asked: Promise<ServerHealth> | undefined
  let probed: Promise<ProbeAnswer> | undefined
  const shared = (): DoctorContext => withSignal(context, timeout(SHARED_SECONDS * 1000))
  const context: DoctorContext = {
    ...patient,
    now,
    fetch: guardedFetch(fetchIt, conceal),
    health: () => (asked ??= askHealth(shared())),
    devices: () => (probed ??= askProbe(shared(), 'devices', { sample: SAMPLE })),
  }
  return context
}

async function askHealth(context: DoctorContext): Promise<ServerHealth> {
  return JSON.parse(await callApi(doctorAccess(context), '/api/health', { method: 'GET' }))
}

function withSignal(context: DoctorContext, signal: AbortSignal): DoctorContext {
  return { ...context, fetch: (input, init) => context.fetch(input, { signal, ...init }) }
}

interface Run {
  readonly context: DoctorContext
  readonly results: readonly DoctorResult[]
  /** Milliseconds that all checks have left. */
  readonly left: number
  readonly effects: DoctorEffects
}

async function verdictOf(
  check: DoctorCheck,
  { context, results, left, effects }: Run,
): Promise<DoctorVerdict> {
  const failed = results.find(
    ({ id, level }) => NEEDS[check.needs].includes(id) && level === 'fail',
  )
  const reason = reasonAgainst(check, context) ?? (failed && `they need ${failed.number}`)
  if (reason !== undefined) {
    return { level: 'skip', seen: reason }
  }
  const time = Math.min(secondsOf(check) * 1000, left)
  if (time <= 0) {
    return late(`was not reached within ${TOTAL_SECONDS} s`)
  }
  const signal = effects.timeout(time)
  const ended = new Promise<DoctorVerdict>((resolve) => {
    signal.addEventListener('abort', () =>
      resolve(late(`has no result after ${Math.ceil(time / 1000)} s`)),
    )
  })
  return Promise.race([
    ended,
    check.run(withSignal(context, signal)).catch((error: unknown) => verdictOfFault(error)),
  ])
}

function late(seen: string): DoctorVerdict {
  const fix = 'look at the load of the server and at the way to it, then run the check again'
  return { level: 'fail', seen: `the check ${seen}`, fix }
}

function verdictOfFault(error: unknown): DoctorVerdict {
  const reason = error instanceof ApiError ? reasonToSkip(error) : undefined
  if (reason !== undefined) {
    return { level: 'skip', seen: reason }
  }
  const seen = messageOf(causeOf(error))
  return { level: 'fail', seen, fix: 'correct what the sentence names, then run the check again' }
}

/** The server refuses the key alone, or is too old. */
function reasonToSkip({ message, code }: ApiError): string | undefined {
  // It begins at one place, so the time does not grow with the square of the length.
  const said = message.slice(message.indexOf('key "'))
  const [lack] = /^key ".*" lacks scope [\w ]+/.exec(said) ?? []
  return lack === undefined
    ? code === 'not_found'
      ? 'the server is older, and cannot do this'
      : undefined
    : `the ${lack}`
}

/** Why a check cannot run, whatever the others find. */
function reasonAgainst(
  { needs, isCloudOnly }: DoctorCheck,
  { isLocal, key, account }: Patient,
): string | undefined {
  if (isLocal && isCloudOnly) {
    return 'not for a server of npm start'
  }
  if (needs === 'account' && !account) {
    return 'they need --account'
  }
  return needs === 'key' && key === undefined ? NEEDS_A_KEY : undefined
}
