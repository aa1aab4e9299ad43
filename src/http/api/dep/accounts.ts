import { z } from '../zod.ts'
import { listAccounts, removeAccount } from '../../../directory/dep/accounts.ts'
import { warn } from '../../../log.ts'
import { depAccountOf } from '../../dep/account.ts'
import { depError } from '../../dep/refusal.ts'
import { RequestError } from '../../request-error.ts'
import { newRoutes } from '../new-routes.ts'
import { answer, body, DONE, operation } from '../operation.ts'
import { listOf, wholeList } from '../paging.ts'
import { depAccountDetail, DEP_DETAIL_EXAMPLE, depAccountJson, showDepAccount } from './detail.ts'
import {
  APPLE_REFUSES,
  DEP_ACCOUNT_EXAMPLE,
  DEP_ACCOUNT_PARAMS,
  DEP_TAGS as tags,
  depAccountSchema,
  NO_DEP_ACCOUNT,
} from './schema.ts'

/** Accounts of Apple Business Manager: one is a server entry there, with its token. */
export const depAccountRoutes = newRoutes()

/** How long a sync by hand is waited for: a proxy may end a request after 30 s. */
const PATIENCE = 25_000
const shown = answer('the account', depAccountDetail, DEP_DETAIL_EXAMPLE)

depAccountRoutes.openapi(
  operation('listDepAccounts', 'get', '/dep/accounts', {
    tags,
    summary: 'Lists the accounts, the one with the newest token first',
    answers: { 200: listOf('all accounts', depAccountSchema, DEP_ACCOUNT_EXAMPLE) },
  }),
  async (c) => c.json(wholeList((await listAccounts(c.env.DB)).map(depAccountJson)), 200),
)

depAccountRoutes.openapi(
  operation('getDepAccount', 'get', '/dep/accounts/{id}', {
    tags,
    summary: 'An account: how it stands with Apple, its last sync, and counts of its devices',
    params: DEP_ACCOUNT_PARAMS,
    answers: { 200: shown },
    problems: NO_DEP_ACCOUNT,
  }),
  async (c) =>
    c.json(await showDepAccount(await depAccountOf(c.env, c.req.valid('param').id)), 200),
)

const wanted = z.strictObject({
  full: z.boolean().default(false).openapi({
    description: '`true` fetches all devices: Apple leaves changes out of its stream at times',
  }),
})
const outcome = z.object({
  state: z.enum(['done', 'running']).openapi({ description: '`running`: it goes on by itself' }),
  account: depAccountDetail,
})

depAccountRoutes.openapi(
  operation('syncDepAccount', 'post', '/dep/accounts/{id}/sync', {
    tags,
    summary: 'Synchronizes the devices of an account now, and waits up to 25 seconds',
    description: 'The server synchronizes by itself every 30 minutes, and all devices once a week.',
    params: DEP_ACCOUNT_PARAMS,
    body: body(wanted, { changes: {}, full: { full: true } }),
    answers: {
      200: answer('how it went', outcome, { state: 'done', account: DEP_DETAIL_EXAMPLE }),
    },
    problems: { ...NO_DEP_ACCOUNT, ...APPLE_REFUSES },
  }),
  async (c) => {
    const account = await depAccountOf(c.env, c.req.valid('param').id)
    const { full } = c.req.valid('json')
    const synced = await account.object.sync({ full, waitMs: PATIENCE })
    if (synced.kind === 'refused') {
      throw depError('sync devices', synced.answer)
    }
    return c.json({ state: synced.kind, account: await showDepAccount(account) }, 200)
  },
)

depAccountRoutes.openapi(
  operation('confirmDepAccount', 'post', '/dep/accounts/{id}/confirm', {
    tags,
    summary: 'Lets the rules change devices that have a profile which the server did not define',
    description:
      'An account that came from another server assigns nothing before. `preview` of its rules counts what ' +
      'this will do.',
    params: DEP_ACCOUNT_PARAMS,
    answers: { 200: shown },
    problems: NO_DEP_ACCOUNT,
  }),
  async (c) => {
    const account = await depAccountOf(c.env, c.req.valid('param').id)
    await account.object.confirm()
    warn('dep:confirmed', { account: account.row.id })
    return c.json(await showDepAccount(account), 200)
  },
)

depAccountRoutes.openapi(
  operation('removeDepAccount', 'delete', '/dep/accounts/{id}', {
    tags,
    summary: 'Forgets an account with its token, profiles and devices; Apple keeps them all',
    description:
      'Devices keep the profiles that are assigned to them, and enrolled devices stay enrolled.',
    params: DEP_ACCOUNT_PARAMS,
    query: { confirm: z.string().optional().openapi({ description: 'required: the id again' }) },
    answers: { 204: DONE },
    problems: { ...NO_DEP_ACCOUNT, 409: 'it is not confirmed' },
  }),
  async (c) => {
    const { row, object } = await depAccountOf(c.env, c.req.valid('param').id)
    if (c.req.valid('query').confirm !== row.id) {
      throw new RequestError(
        `this forgets the account ${row.serverName}: if that is meant, send ?confirm=${row.id}`,
        'confirmation_required',
      )
    }
    await object.forget()
    await removeAccount(c.env.DB, row.id)
    warn('dep:removed', { account: row.id, server: row.serverName })
    return c.body(null, 204)
  },
)
