import { randomBytes } from 'node:crypto'
import { abortAfter, clock } from '../clock.ts'
import { type Config, requireConfig } from '../config/config.ts'
import {
  callDep,
  type DepAnswer,
  type DepCall,
  type DepLine,
  type DepPort,
  type DepRefusal,
} from '../dep/client.ts'
import type { DepToken } from '../dep/records.ts'
import { type DepStanding, depStandingAfter } from '../dep/standing.ts'
import {
  isInstalled,
  openToken,
  save,
  saveSession,
  type Account,
  type OpenAccount,
} from './state.ts'
import { tellDep } from './tell.ts'

/** The longest call, with its login: a page of 1,000 devices takes Apple some seconds. */
const PATIENCE = 60_000
/** A call by a person is not sent so soon after one that Apple refused for a flag. */
const REPEAT_AFTER = 60_000
/** Our words for calls that are not sent. */
export const NO_TOKEN: DepRefusal = {
  kind: 'refused',
  at: 'session',
  status: 401,
  code: 'NO_TOKEN',
}

/** One call with a token, for a limited time. @param line the session, which the call renews if it has to */
export async function callWithin(
  { depUrl }: Pick<Config, 'depUrl'>,
  { token, line }: { readonly token: DepToken; readonly line: DepLine },
  call: DepCall,
): Promise<DepAnswer> {
  const late = abortAfter(PATIENCE)
  const port: DepPort = {
    base: depUrl,
    now: () => clock.now(),
    random: randomBytes,
    fetch: (request) => fetch(request, { signal: late.signal }),
  }
  try {
    return await callDep(port, token, line, call)
  } finally {
    late.cancel()
  }
}

/**
 * Sends a call of the account. All its calls share one session, which is stored when it changes. Nothing is
 * sent before a deadline that Apple gave.
 */
export async function callApple(account: Account, call: DepCall): Promise<DepAnswer> {
  if (!isInstalled(account)) {
    return NO_TOKEN
  }
  const held = heldBack(account, clock.now())
  if (held) {
    return held
  }
  const { tokenAt } = account.state
  const { env, line } = account
  const answer = await callWithin(requireConfig(env), { token: openToken(account), line }, call)
  // The answer to an older token says nothing of the new one. The token may also be gone by now.
  const present: Account = account
  if (present.state?.tokenAt === tokenAt) {
    await noteAnswer(account, answer)
  }
  return answer
}

/** Whether Apple's last answer makes work wait that no person asked for. */
export function isResting({ state }: OpenAccount, now: number): boolean {
  return now < Math.max(state.standing.notBefore, state.standing.restUntil)
}

function heldBack({ state, refusal }: OpenAccount, now: number): DepRefusal | undefined {
  const { notBefore } = state.standing
  if (now < notBefore) {
    return { kind: 'refused', at: 'call', status: 429, code: 'RETRY_LATER', retryAt: notBefore }
  }
  return refusal && now < refusal.at + REPEAT_AFTER ? refusal.answer : undefined
}

async function noteAnswer(account: OpenAccount, answer: DepAnswer): Promise<void> {
  const now = clock.now()
  const before = account.state.standing
  const standing = depStandingAfter(before, answer, now)
  account.refusal = answer.kind !== 'ok' && standing.flag !== '' ? { answer, at: now } : undefined
  const { session } = account.line
  if (session !== account.storedSession) {
    saveSession(account, session, { standing })
  } else if (!isSame(before, standing)) {
    save(account, { standing })
  }
  if (before.flag !== standing.flag) {
    const { flag } = standing
    const about = { flag, before: before.flag }
    await tellDep(account.env, account.id, { topic: 'dep.account', about })
  }
}

function isSame(one: DepStanding, other: DepStanding): boolean {
  return JSON.stringify(one) === JSON.stringify(other)
}
