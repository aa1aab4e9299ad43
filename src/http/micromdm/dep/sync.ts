import { stringField } from '../../../commands/go-fields.ts'
import type { DepRule } from '../../../dep/rules.ts'
import { depProfileNamed } from '../../../directory/dep/profiles.ts'
import { readRules, storeRules } from '../../../directory/dep/accounts.ts'
import { rfc3339 } from '../../../events/event.ts'
import { newApp } from '../../app-env.ts'
import { depAccountIfAny, depAccountOfQuery, depStatusOf } from '../../dep/account.ts'
import { RequestError } from '../../request-error.ts'
import { goJson, readObject, type AdminContext } from '../request.ts'
import { NEVER } from './shapes.ts'

/** `/v1/dep/syncnow`, `/v1/dep/sync` and `/v1/dep/autoassigners` (docs/micromdm.md). */
export const v1DepSync = newApp()

/** How long `syncnow` waits: a proxy may end a request after 30 s. */
const PATIENCE = 25_000
const ASSIGNERS = '/v1/dep/autoassigners'
/** MicroMDM's only filter: all devices. */
const ALL = '*'

/** As in MicroMDM, the outcome is not told, not even that there is no token; `/v1/dep/sync` has it. */
v1DepSync.post('/v1/dep/syncnow', async (c) => {
  const account = await depAccountIfAny(c.env, c.req.query('account'))
  await account?.object.sync({ waitMs: PATIENCE })
  return c.body(null, 200)
})

v1DepSync.get('/v1/dep/sync', async (c) => {
  const { lastRun, ...status } = await depStatusOf(await depAccountOfQuery(c))
  return goJson({
    syncing: status.syncing,
    flag: status.flag,
    not_before: goTime(status.notBefore),
    last_sync_at: goTime(status.lastSyncAt),
    waiting: status.waiting,
    last_run: lastRun
      ? {
          started_at: goTime(lastRun.startedAt),
          ended_at: goTime(lastRun.endedAt),
          calls: lastRun.calls,
          devices: lastRun.devices,
          changed: lastRun.rows,
          full: lastRun.full,
          error: lastRun.error ?? '',
        }
      : null,
  })
})

function goTime(ms: number): string {
  return ms === 0 ? NEVER : rfc3339(ms)
}

v1DepSync.get(ASSIGNERS, async (c) => {
  const account = await depAccountIfAny(c.env, c.req.query('account'))
  const last = account && split(await readRules(c.env.DB, account.row.id)).last
  return goJson({
    autoassigners: last
      ? [{ filter: ALL, profile_uuid: await uuidOf(c, account.row.id, last.profile) }]
      : null,
  })
})

v1DepSync.post(ASSIGNERS, async (c) => {
  const body = await readObject(c)
  if (stringField(body, 'filter', 'AutoAssigner') !== ALL) {
    throw new RequestError(`saving AutoAssigner: only '${ALL}' filter auto-assigners supported`)
  }
  const profile = stringField(body, 'profile_uuid', 'AutoAssigner') ?? ''
  if (profile === '') {
    throw new RequestError('saving AutoAssigner: no profile_uuid')
  }
  await changeRules(c, (rules) => [...rules, { match: {}, profile }])
  return goJson({})
})

v1DepSync.delete(ASSIGNERS, async (c) => {
  if (stringField(await readObject(c), 'filter', 'removeAutoAssignerRequest') === ALL) {
    // Without an account there is no rule.
    if (await depAccountIfAny(c.env, c.req.query('account'))) {
      await changeRules(c, (rules) => rules)
    }
  }
  return goJson({})
})

/** Stores what `changed` makes of the rules before the last one that is for all devices. */
async function changeRules(
  c: AdminContext,
  changed: (rules: readonly DepRule[]) => readonly DepRule[],
): Promise<void> {
  const { row, object } = await depAccountOfQuery(c)
  await storeRules(c.env.DB, row.id, changed(split(await readRules(c.env.DB, row.id)).rules))
  await object.plan()
}

/** MicroMDM's auto-assigner is a last rule for all devices. */
function split(rules: readonly DepRule[]) {
  const last = rules.at(-1)
  return last && Object.keys(last.match).length === 0
    ? { rules: rules.slice(0, -1), last }
    : { rules, last: undefined }
}

/** A rule may name its profile; MicroMDM's clients expect its uuid. */
async function uuidOf(c: AdminContext, account: string, profile: string): Promise<string> {
  return (await depProfileNamed(c.env.DB, account, profile))?.uuid ?? profile
}
