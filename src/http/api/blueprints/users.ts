import { z } from '../zod.ts'
import { isPasswordHash } from '../../../blueprints/password.ts'
import { clock } from '../../../clock.ts'
import { usersOfBlueprints } from '../../../directory/blueprints/blueprints.ts'
import {
  readSetupUsers,
  removeSetupUser,
  storeSetupUser,
  type SetupUser,
  type StoredSetupUser,
} from '../../../directory/blueprints/users.ts'
import { decodeBase64 } from '../../../plist/base64.ts'
import { faultOfUser, passwordFields, type GivenPassword } from '../../../setup/put-user.ts'
import type { AppContext } from '../../app-env.ts'
import { faultAt, RequestError } from '../../request-error.ts'
import { newRoutes } from '../new-routes.ts'
import { answer, body, DONE, operation, pathId } from '../operation.ts'
import { listOf, wholeList } from '../paging.ts'
import { iso, time } from '../values.ts'

/** Setup users: the administrator accounts that Macs get while they are set up (docs/blueprints.md §5). */
export const setupUserRoutes = newRoutes()

const tags = ['Blueprints']
const EXAMPLE_ID = 'admin'
const params = pathId(z.string(), 'its id: MicroMDM’s uuid', EXAMPLE_ID)
const NO_USER = { 404: 'no setup user has this id' } as const

const about = {
  short_name: z.string().openapi({ description: 'the name of the account' }),
  long_name: z.string().openapi({ description: 'the full name' }),
  hidden: z.boolean().openapi({ description: 'the login window does not show it' }),
}
const userSchema = z
  .object({
    id: z.string(),
    ...about,
    password: z.enum(['stored', 'generated', 'none', 'unreadable']).openapi({
      description: '`generated`: each device has one of its own, in escrow',
    }),
    used_by: z.array(z.string()).openapi({ description: 'the names of blueprints with the user' }),
    changed_at: time,
  })
  .openapi('SetupUser')
const EXAMPLE: z.input<typeof userSchema> = {
  id: EXAMPLE_ID,
  short_name: 'itadmin',
  long_name: 'IT',
  hidden: true,
  password: 'generated',
  used_by: ['Staff Macs'],
  changed_at: '2026-11-28T09:00:00Z',
}
const userAnswer = answer('the user', userSchema, EXAMPLE)

setupUserRoutes.openapi(
  operation('listSetupUsers', 'get', '/setup-users', {
    tags,
    summary: 'Lists setup users by their ids, without passwords',
    answers: { 200: listOf('all setup users', userSchema, EXAMPLE) },
  }),
  async (c) => {
    const users = await readSetupUsers(c.env.DB, c.var.config.sealer)
    return c.json(wholeList(await shown(c, users)), 200)
  },
)

setupUserRoutes.openapi(
  operation('getSetupUser', 'get', '/setup-users/{id}', {
    tags,
    summary: 'A setup user, without password',
    params,
    answers: { 200: userAnswer },
    problems: NO_USER,
  }),
  async (c) => c.json(await userNamed(c, c.req.valid('param').id), 200),
)

const newUser = z.strictObject({
  ...about,
  long_name: about.long_name.default(''),
  hidden: about.hidden.default(false),
  password: z.string().optional().openapi({ description: 'only its hash is kept, sealed' }),
  password_hash: z.string().optional().openapi({
    description: 'base64 of a property list with SALTED-SHA512-PBKDF2, as mdmctl makes it',
  }),
  generate_password: z.boolean().default(false).openapi({
    description: 'each device gets a password of its own',
  }),
})

setupUserRoutes.openapi(
  operation('putSetupUser', 'put', '/setup-users/{id}', {
    tags,
    summary: 'Stores a setup user whole; without a password it keeps the one that it has',
    params,
    body: body(newUser, {
      generated: { short_name: 'itadmin', long_name: 'IT', hidden: true, generate_password: true },
      chosen: { short_name: 'itadmin', password: 'correct horse battery staple' },
    }),
    answers: { 200: userAnswer, 201: userAnswer },
    problems: { 400: 'a new user without a password, or one with two' },
  }),
  async (c) => {
    const { id: uuid } = c.req.valid('param')
    const { DB } = c.env
    const { sealer } = c.var.config
    const sent = c.req.valid('json')
    const [before] = await readSetupUsers(DB, sealer, [uuid])
    const password = passwordIn(sent)
    const named = { uuid, shortName: sent.short_name, longName: sent.long_name }
    const fault = faultOfUser(named, password)
    if (fault) {
      throw faultAt(fault.key === 'id' ? 'param.id' : `json.${fault.key}`, fault.detail)
    }
    const fields = password ? await passwordFields(password) : before
    if (!fields || ('unreadable' in fields && fields.unreadable !== undefined)) {
      throw faultAt('json.password', 'is missing: or send password_hash or generate_password')
    }
    const nothing = { udid: '', userId: '', authToken: '' }
    const { generates, passwordHash } = fields
    const user: SetupUser = {
      ...(before ?? nothing),
      ...named,
      hidden: sent.hidden,
      generates,
      passwordHash,
    }
    await storeSetupUser(DB, sealer, user, clock.now())
    return c.json(await userNamed(c, uuid), before ? 200 : 201)
  },
)

setupUserRoutes.openapi(
  operation('deleteSetupUser', 'delete', '/setup-users/{id}', {
    tags,
    summary: 'Deletes a setup user that no blueprint names; Macs keep their accounts',
    params,
    answers: { 204: DONE },
    problems: { ...NO_USER, 409: 'blueprints name it: `detail` says which' },
  }),
  async (c) => {
    const { id, used_by: used } = await userNamed(c, c.req.valid('param').id)
    if (used.length > 0) {
      throw new RequestError(
        `${id} is in ${used.join(', ')}: take it out of these blueprints first`,
        'setup_user_in_use',
      )
    }
    await removeSetupUser(c.env.DB, id)
    return c.body(null, 204)
  },
)

/** @throws RequestError for two passwords, and for a hash that no Mac can take */
function passwordIn({
  password,
  password_hash: hash,
  generate_password: generate,
}: z.output<typeof newUser>): GivenPassword | undefined {
  if ([password !== undefined, hash !== undefined, generate].filter(Boolean).length > 1) {
    throw faultAt('json', 'send one of password, password_hash and generate_password')
  }
  if (hash !== undefined) {
    const bytes = decodeBase64(hash, '\r\n')
    if (typeof bytes === 'number' || !isPasswordHash(bytes)) {
      const detail =
        'has to be base64 of a property list with SALTED-SHA512-PBKDF2; or send password'
      throw faultAt('json.password_hash', detail)
    }
    return { kind: 'hash', base64: hash }
  }
  if (password !== undefined) {
    return { kind: 'password', text: password }
  }
  return generate ? { kind: 'generate' } : undefined
}

/** @throws RequestError 404 */
async function userNamed(c: AppContext, id: string): Promise<z.input<typeof userSchema>> {
  const [user] = await shown(c, await readSetupUsers(c.env.DB, c.var.config.sealer, [id]))
  if (!user) {
    throw new RequestError(
      `no setup user has the id ${id}: GET /api/setup-users lists them`,
      'setup_user_not_found',
    )
  }
  return user
}

async function shown(
  c: AppContext,
  users: readonly StoredSetupUser[],
): Promise<z.input<typeof userSchema>[]> {
  const used = await usersOfBlueprints(c.env.DB)
  return users.map((user) => ({
    id: user.uuid,
    short_name: user.shortName,
    long_name: user.longName,
    hidden: user.hidden,
    password:
      user.unreadable !== undefined
        ? 'unreadable'
        : user.generates
          ? 'generated'
          : user.passwordHash === ''
            ? 'none'
            : 'stored',
    used_by: [...(used.get(user.uuid) ?? [])],
    changed_at: iso(user.changedAt),
  }))
}
