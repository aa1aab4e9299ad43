import { expect, it } from 'vitest'
import { ApiError } from '../../../../src/cli/api-client.ts'
import type { DoctorCheck, DoctorVerdict } from '../../../../src/cli/doctor/check.ts'
import { type DoctorEffects, type Patient, runChecks } from '../../../../src/cli/doctor/run.ts'

const OK: DoctorVerdict = { level: 'ok', seen: 'seen' }
const FAIL: DoctorVerdict = { level: 'fail', seen: 'seen', fix: 'fix' }
const PATIENT: Patient = { url: 'https://mdm.test', isLocal: false, version: '1', key: 'k' }

const check = (number: number, change: Partial<DoctorCheck> = {}): DoctorCheck => ({
  number,
  id: `check-${number}`,
  title: `title ${number}`,
  needs: 'server',
  run: () => Promise.resolve(OK),
  ...change,
})
const reachable = (verdict: DoctorVerdict = OK) =>
  check(1, { id: 'reachable', needs: 'nothing', run: () => Promise.resolve(verdict) })
const adminAuth = (verdict: DoctorVerdict = OK) =>
  check(8, { id: 'admin-auth', run: () => Promise.resolve(verdict) })

/** A clock and time-outs that the test turns. */
function turned() {
  let now = 0
  const timeouts: { readonly at: number; readonly controller: AbortController }[] = []
  const effects: DoctorEffects = {
    fetch: () => Promise.reject(new Error('not asked')),
    now: () => now,
    timeout(milliseconds) {
      const controller = new AbortController()
      timeouts.push({ at: now + milliseconds, controller })
      return controller.signal
    },
  }
  return {
    effects,
    waiting: () => timeouts.map(({ at }) => at - now),
    turn(milliseconds: number) {
      now += milliseconds
      for (const { at, controller } of timeouts) {
        if (at <= now) {
          controller.abort()
        }
      }
    },
  }
}

async function run(
  checks: readonly DoctorCheck[],
  { only, patient = PATIENT }: { only?: readonly number[]; patient?: Patient } = {},
) {
  const isWanted = ({ number }: DoctorCheck) => only?.includes(number) ?? true
  const results = await runChecks(checks, isWanted, patient, turned().effects)
  return results.map(({ number, level, seen }) => `${number} ${level}: ${seen}`)
}

it('results come in the order of the numbers, whichever check ends first', async () => {
  const { promise, resolve } = Promise.withResolvers<DoctorVerdict>()
  const slow = check(3, { run: () => promise })
  const last = check(9, {
    run() {
      resolve(OK)
      return Promise.resolve(OK)
    },
  })
  expect(await run([last, slow, reachable()])).toEqual(['1 ok: seen', '3 ok: seen', '9 ok: seen'])
})

it('without a server, only checks of the account still run', async () => {
  const checks = [
    reachable(FAIL),
    check(3),
    adminAuth(),
    check(9, { needs: 'key' }),
    check(7, { needs: 'account' }),
  ]
  expect(await run(checks)).toEqual([
    '1 fail: seen',
    '3 skip: they need 1',
    '7 skip: they need --account',
    '8 skip: they need 1',
    '9 skip: they need 1',
  ])
})

it('with a wrong key, the checks that need one are skipped', async () => {
  const checks = [reachable(), check(3), adminAuth(FAIL), check(9, { needs: 'key' })]
  expect(await run(checks)).toEqual([
    '1 ok: seen',
    '3 ok: seen',
    '8 fail: seen',
    '9 skip: they need 8',
  ])
})

it('a check that is wanted alone brings those that it needs, which are shown if they fail', async () => {
  const checks = (gate: DoctorVerdict) => [
    reachable(gate),
    check(3),
    adminAuth(),
    check(9, { needs: 'key' }),
  ]
  expect(await run(checks(OK), { only: [9] })).toEqual(['9 ok: seen'])
  expect(await run(checks(FAIL), { only: [9] })).toEqual(['1 fail: seen', '9 skip: they need 1'])
})

it('a check that cannot run anyway brings none with it', async () => {
  const { key: _, ...keyless } = PATIENT
  const checks = [reachable(FAIL), adminAuth(FAIL), check(9, { needs: 'key' })]
  expect(await run(checks, { only: [9], patient: keyless })).toEqual([
    '9 skip: they need a key: --key KEY, or API_KEY in the environment',
  ])
})

it('a server of npm start has neither TLS nor an account to check', async () => {
  const checks = [reachable(), check(2, { needs: 'nothing', isCloudOnly: true })]
  expect(await run(checks, { patient: { ...PATIENT, isLocal: true } })).toEqual([
    '1 ok: seen',
    '2 skip: not for a server of npm start',
  ])
})

it('a check that throws fails with the reason, and is skipped if the key may not do it', async () => {
  const checks = [
    reachable(),
    check(3, { run: () => Promise.reject(new Error('it broke')) }),
    check(4, { run: () => Promise.reject(new ApiError('key "ci" lacks scope config: …', 403)) }),
  ]
  expect(await run(checks)).toEqual([
    '1 ok: seen',
    '3 fail: it broke',
    '4 skip: the key "ci" lacks scope config',
  ])
})

it('a refusal of any length is looked at in no time', async () => {
  const text = 'key "'.repeat(400_000)
  const checks = [reachable(), check(4, { run: () => Promise.reject(new ApiError(text, 400)) })]
  const [, found] = await run(checks)
  expect(found).toMatch(/^4 fail: key "/)
})

it('an answer with the key shows it nowhere', async () => {
  const key = 'a "key" of some/length'
  const sent = Buffer.from(`micromdm:${key}`).toString('base64')
  const bare = Buffer.from(key).toString('base64')
  const other = Buffer.from(`a user:${key}`).toString('base64url')
  const echo: typeof fetch = () =>
    Promise.resolve(
      Response.json(
        { detail: `${key} ${sent} ${other} ${bare}` },
        { headers: { location: `/${key}` } },
      ),
    )
  const look = check(3, {
    async run({ fetch: ask }) {
      const response = await ask('https://mdm.test/')
      const text = await response.text()
      const { detail }: { detail: string } = JSON.parse(text)
      const seen = `${response.headers.get('location')} ${text.slice(0, 25)} ${detail}`
      return { level: 'fail', seen, want: `not ${key}`, fix: `take ${sent} away` }
    },
  })
  const effects = { ...turned().effects, fetch: echo }
  const patient = { ...PATIENT, key }
  const shown = JSON.stringify(await runChecks([reachable(), look], () => true, patient, effects))
  for (const part of ['some/length', sent.slice(12, 30), other.slice(10, 30), bare.slice(4, 20)]) {
    expect(shown).not.toContain(part)
  }
  expect(shown).toContain('[the key]')
})

it('a check reads at most 4 MB of an answer', async () => {
  const long: typeof fetch = () => Promise.resolve(new Response('x'.repeat(4 * 1024 * 1024 + 1)))
  const look = check(3, {
    run: async ({ fetch: ask }) => ({
      level: 'ok',
      seen: await (await ask('https://mdm.test/x')).text(),
    }),
  })
  const effects = { ...turned().effects, fetch: long }
  const [, { seen } = OK] = await runChecks([reachable(), look], () => true, PATIENT, effects)
  expect(seen).toBe('https://mdm.test/x sent more than 4 MB, so something else answers there')
})

it('at most six checks run at once, and a slow one first', async () => {
  const begun: number[] = []
  const ends = Promise.withResolvers<DoctorVerdict>()
  const waiting = [11, 12, 13, 14, 15, 16, 17, 18].map((number) =>
    check(number, {
      ...(number === 18 && { seconds: 40 }),
      run() {
        begun.push(number)
        return ends.promise
      },
    }),
  )
  const done = run([reachable(), ...waiting])
  await expect.poll(() => begun).toEqual([18, 11, 12, 13, 14, 15])
  ends.resolve(OK)
  expect(await done).toHaveLength(9)
})

it('a check without an end fails after its time, and all end within a minute', async () => {
  const clock = turned()
  const endless = (number: number, seconds?: number) =>
    check(number, {
      ...(seconds !== undefined && { seconds }),
      run: ({ fetch: ask }) => ask('x').then(() => OK),
    })
  const silent: DoctorEffects = { ...clock.effects, fetch: () => new Promise(() => undefined) }
  const many = Array.from({ length: 60 }, (_, place) => endless(place + 30))
  const done = runChecks(
    [reachable(), endless(3), endless(14, 40), ...many],
    () => true,
    PATIENT,
    silent,
  )
  for (let seconds = 0; seconds < 60; seconds += 10) {
    await expect.poll(() => clock.waiting().some((left) => left > 0)).toBe(true)
    clock.turn(seconds === 50 ? 8000 : 10_000)
  }
  const results = await done
  const seenBy = (number: number) => results.find((one) => one.number === number)?.seen
  expect(seenBy(3)).toBe('the check has no result after 10 s')
  expect(seenBy(14)).toBe('the check has no result after 40 s')
  expect(seenBy(89)).toBe('the check was not reached within 58 s')
})
