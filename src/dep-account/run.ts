/** A run of synchronization: page after page, until Apple has no more. */
import { clock } from '../clock.ts'
import type { DepAnswer, DepRefusal } from '../dep/client.ts'
import { mergePage, readDepPage, type DepPage } from '../dep/pages.ts'
import { DEP_SYNC_INTERVAL } from '../dep/standing.ts'
import { noteAccountDetail } from '../directory/dep/accounts.ts'
import { storePage } from '../directory/dep/devices.ts'
import { warn } from '../log.ts'
import { callApple, isResting } from './call.ts'
import { limitOf, readDetail } from './detail.ts'
import { dropPages, finishFetch, keepPage } from './fetched.ts'
import { loadPlanner, wantedNow, type Planner } from './planner.ts'
import { seenDevice } from './seen.ts'
import { save, type DepCursor, type DepRun, type OpenAccount } from './state.ts'
import { tellDep } from './tell.ts'

const DAY = 86_400_000
const WEEK = 7 * DAY
/** Calls of one invocation: Cloudflare's free plan allows 50, those to D1 included. */
const MAX_CALLS = 20
/** Calls of one run: millions of devices. Cursors that never end would keep the account busy for ever. */
const MAX_RUN_CALLS = 5000
const QUICK_INTERVAL = 300_000
/** Accounts do not all call at the same second. */
const JITTER = 60_000
/** Runs that found a cursor that does not move, before a full fetch. */
const MAX_STUCK = 2
const PATHS = { fetch: '/server/devices', sync: '/devices/sync' } as const
/** Apple's words for a cursor that no sync takes any more. */
const DEAD_CURSOR = new Set(['INVALID_CURSOR', 'EXPIRED_CURSOR', 'CURSOR_REQUIRED'])
const FULL_LIST = 'EXHAUSTED_CURSOR'

/** What a call leads to. `stop`: the invocation ends, the run goes on later. */
type After = 'on' | 'end' | 'stop'

/**
 * Does the next pages. @returns the refusal that holds the run up; undefined when it goes on, or has ended
 */
export async function runPages(account: OpenAccount): Promise<DepRefusal | undefined> {
  beginRun(account)
  const refusal = await learnDetail(account)
  if (refusal) {
    return holdUp(account, refusal)
  }
  const plan = await loadPlanner(account)
  for (let calls = 0; calls < MAX_CALLS && account.state.run; calls++) {
    const answer = await nextPage(account)
    const after = await takeAnswer(account, plan, answer)
    if (after === 'stop' && answer.kind !== 'ok') {
      return holdUp(account, answer)
    }
    if ((account.state.run?.calls ?? 0) >= MAX_RUN_CALLS) {
      save(account, { stuck: MAX_STUCK })
      endRun(account, 'Apple’s list of devices does not end')
    }
  }
  return undefined
}

/** The run goes on when the account may call again. A refusal that sets no time ends it. */
function holdUp(account: OpenAccount, refusal: DepRefusal): DepRefusal {
  if (!isResting(account, clock.now())) {
    endRun(account, wordOf(refusal))
  }
  return refusal
}

function wordOf(refusal: DepRefusal): string {
  return refusal.kind === 'unreachable'
    ? refusal.reason
    : refusal.code || `status ${refusal.status}`
}

/** Begins a run unless one goes on. */
function beginRun(account: OpenAccount): void {
  const { state } = account
  if (state.run) {
    return
  }
  const now = clock.now()
  const { cursor } = state
  const isDead = !cursor || cursor.at + WEEK <= now || state.stuck >= MAX_STUCK
  const run: DepRun = {
    startedAt: now,
    calls: 0,
    devices: 0,
    rows: 0,
    fetches: state.wantsFull || state.fullAt + WEEK <= now,
    fetched: false,
    found: { added: 0, changed: 0 },
  }
  save(account, { run, wantsFull: false })
  if (isDead) {
    beginFetch(account)
  }
}

/** Begins a full fetch in place of the cursor. */
function beginFetch(account: OpenAccount): void {
  dropPages(account)
  change(account, { fetches: false, fetched: true })
  save(account, { cursor: undefined, pages: 0, stuck: 0 })
}

function change(account: OpenAccount, part: Partial<DepRun>): void {
  const { run } = account.state
  if (run) {
    save(account, { run: { ...run, ...part } })
  }
}

/** Asks once a day for limits and names of the account. */
async function learnDetail(account: OpenAccount): Promise<DepRefusal | undefined> {
  const now = clock.now()
  if (account.state.detailAt + DAY > now) {
    return undefined
  }
  const answer = await callApple(account, { method: 'GET', path: '/account' })
  if (answer.kind !== 'ok') {
    return answer
  }
  const detail = readDetail(answer.json)
  await noteAccountDetail(account.env.DB, { id: account.id, ...detail.row })
  save(account, { detail: detail.known, detailAt: now })
  return undefined
}

function nextPage(account: OpenAccount): Promise<DepAnswer> {
  const { cursor, detail } = account.state
  const path = PATHS[cursor?.phase ?? 'fetch']
  const limit = limitOf(detail, path)
  return callApple(account, {
    method: 'POST',
    path,
    body: { ...(cursor && { cursor: cursor.value }), limit },
  })
}

async function takeAnswer(account: OpenAccount, plan: Planner, answer: DepAnswer): Promise<After> {
  change(account, { calls: (account.state.run?.calls ?? 0) + 1 })
  if (answer.kind === 'refused' && answer.at === 'call' && answer.status === 400) {
    return takeRefusal(account, answer.code)
  }
  if (answer.kind !== 'ok') {
    return 'stop'
  }
  const page = readDepPage(answer.json)
  return page ? takePage(account, plan, page) : endRun(account, 'the answer is no page of devices')
}

async function takeRefusal(account: OpenAccount, code: string): Promise<After> {
  const { cursor, run } = account.state
  if (DEAD_CURSOR.has(code) && !run?.fetched) {
    beginFetch(account)
    return 'on'
  }
  if (code === FULL_LIST && cursor?.phase === 'fetch') {
    // Without pages of its own, this object does not know what the fetch contained.
    if (account.state.pages > 0) {
      await finishFetch(account)
    }
    save(account, { cursor: { ...cursor, phase: 'sync' } })
    return 'on'
  }
  if (code === FULL_LIST || DEAD_CURSOR.has(code)) {
    // The next run begins with a full fetch.
    save(account, { stuck: MAX_STUCK })
  }
  return endRun(account, code || 'Apple refused the call')
}

/** Stores a page before the cursor moves: a crash repeats the page, and loses nothing. */
async function takePage(account: OpenAccount, plan: Planner, page: DepPage): Promise<After> {
  const { env, id, state } = account
  const phase = state.cursor?.phase ?? 'fetch'
  const now = clock.now()
  const devices = mergePage(new Map(), page.devices).map(({ device }) =>
    seenDevice(device, wantedNow(account, plan, device)),
  )
  const rows = await storePage(env.DB, id, { devices, fresh: phase === 'fetch' }, now)
  const isStill = page.more && page.cursor === state.cursor?.value
  const isLast = phase === 'fetch' && !page.more
  if (phase === 'fetch') {
    keepPage(
      account,
      devices.map(({ serial }) => serial),
    )
  }
  note(account, page.devices.length, rows, phase)
  if (isLast) {
    await finishFetch(account)
  }
  const cursor: DepCursor = { value: page.cursor, phase: isLast ? 'sync' : phase, at: now }
  save(account, { cursor })
  await tellChanges(account, { ...rows, full: phase === 'fetch' })
  if (isStill) {
    save(account, { stuck: state.stuck + 1 })
    return endRun(account, 'Apple sends the same page again')
  }
  return page.more || isLast ? 'on' : atEnd(account)
}

type Rows = Awaited<ReturnType<typeof storePage>>

function note(account: OpenAccount, devices: number, rows: Rows, phase: DepCursor['phase']): void {
  const { run } = account.state
  if (!run) {
    return
  }
  const counts = phase === 'fetch' ? rows : { added: [], changed: [] }
  change(account, {
    devices: run.devices + devices,
    rows: run.rows + rows.added.length + rows.changed.length + rows.removed.length,
    found: {
      added: run.found.added + counts.added.length,
      changed: run.found.changed + counts.changed.length,
    },
  })
}

export async function tellChanges(
  { env, id }: Pick<OpenAccount, 'env' | 'id'>,
  { added, changed, removed, full }: Rows & { readonly full: boolean },
): Promise<void> {
  if (added.length + changed.length + removed.length > 0) {
    await tellDep(env, id, { topic: 'dep.device', about: { added, changed, removed, full } })
  }
}

/** All changes are here. Only now a full fetch shows what the stream of changes has left out. */
function atEnd(account: OpenAccount): After {
  if (account.state.run?.fetches) {
    beginFetch(account)
    return 'on'
  }
  save(account, { stuck: 0 })
  return endRun(account)
}

function endRun(account: OpenAccount, error?: string): After {
  const { run, quickUntil } = account.state
  const now = clock.now()
  if (run) {
    const { startedAt, calls, devices, rows, fetched } = run
    const report = { startedAt, endedAt: now, calls, devices, rows, full: fetched }
    save(account, {
      run: undefined,
      lastRun: { ...report, ...(error !== undefined && { error }) },
      lastSyncAt: error === undefined ? now : account.state.lastSyncAt,
      nextSyncAt: now + (now < quickUntil ? QUICK_INTERVAL : DEP_SYNC_INTERVAL) + jitter(),
    })
  }
  if (error !== undefined) {
    warn('dep:sync-failed', { account: account.id, reason: error })
  }
  account.ended.resolve()
  account.ended = Promise.withResolvers()
  return 'end'
}

function jitter(): number {
  return Math.floor(Math.random() * JITTER)
}
