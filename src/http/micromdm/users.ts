import {
  boolField,
  bytesField,
  fieldAt,
  isJsonObject,
  objectField,
  stringField,
} from '../../commands/go-fields.ts'
import type { JsonObject } from '../../commands/go-json.ts'
import { clock } from '../../clock.ts'
import {
  readSetupUsers,
  storeSetupUser,
  type SetupUser,
  type StoredSetupUser,
} from '../../directory/blueprints/users.ts'
import { encodeBase64 } from '../../plist/base64.ts'
import { faultOfUser, passwordFields, type GivenPassword } from '../../setup/put-user.ts'
import { newApp } from '../app-env.ts'
import { RequestError } from '../request-error.ts'
import { goJson, readObject, withWarnings } from './request.ts'

/** `/v1/users`: accounts that Macs get while they are set up (docs/blueprints.md §5). */
export const v1Users = newApp()

const STRUCT = 'User'

/** As in MicroMDM, the filters and pages of the request have no effect. */
v1Users.post('/v1/users', async (c) => {
  await readObject(c)
  const users = await readSetupUsers(c.env.DB, c.var.config.sealer)
  const body = { users: users.length === 0 ? null : users.map(userJson) }
  return withWarnings(
    goJson(body),
    users.flatMap(({ shortName, unreadable }) =>
      unreadable === undefined ? [] : [`the password of ${shortName} is not shown: ${unreadable}`],
    ),
  )
})

/** Without a uuid MicroMDM makes a user with a new one; with it, it stores the user as it is. */
v1Users.put('/v1/users', async (c) => {
  const given = objectField(await readObject(c), 'user', 'applyUserRequest')
  if (given === undefined) {
    throw new RequestError('no user supplied')
  }
  const { DB } = c.env
  const { sealer } = c.var.config
  const text = (key: string) => stringField(given, key, STRUCT) ?? ''
  const uuid = text('uuid')
  const [before] = uuid === '' ? [] : await readSetupUsers(DB, sealer, [uuid])
  const password = readPassword(given)
  const named = {
    uuid: uuid || crypto.randomUUID(),
    shortName: text('user_shortname'),
    longName: text('user_longname'),
  }
  const fault = faultOfUser(named, password)
  if (fault) {
    throw new RequestError(`${KEYS[fault.key]} ${fault.detail}`)
  }
  const user: SetupUser = {
    ...named,
    hidden: boolField(given, 'hidden', STRUCT) ?? false,
    udid: uuid && text('udid'),
    userId: uuid && text('user_id'),
    authToken: uuid && text('auth_token'),
    ...(password
      ? await passwordFields(password)
      : // mdmctl sends a user back as it got it, without the keys that MicroMDM does not have.
        { generates: before?.generates ?? false, passwordHash: '' }),
  }
  await storeSetupUser(DB, sealer, user, clock.now())
  return goJson({ user: userJson(user) })
})

const KEYS = {
  id: 'uuid',
  short_name: 'user_shortname',
  long_name: 'user_longname',
  password: 'password',
} as const

/** @throws RequestError for two passwords, or one of another form */
function readPassword(given: JsonObject): GivenPassword | undefined {
  const hash = bytesField(given, 'password_hash', STRUCT) ?? new Uint8Array()
  const password = fieldAt(given, 'password')
  if (password === undefined) {
    return hash.length === 0 ? undefined : { kind: 'hash', base64: encodeBase64(hash) }
  }
  if (hash.length > 0) {
    throw new RequestError('the user has both password and password_hash: send one of them')
  }
  if (typeof password === 'string') {
    return { kind: 'password', text: password }
  }
  if (isJsonObject(password) && password['generate'] === true) {
    return { kind: 'generate' }
  }
  throw new RequestError('password has to be a text, or {"generate": true}')
}

function userJson(user: SetupUser | StoredSetupUser) {
  return {
    uuid: user.uuid,
    udid: user.udid,
    user_id: user.userId,
    user_shortname: user.shortName,
    user_longname: user.longName,
    auth_token: user.authToken,
    password_hash: user.passwordHash === '' ? null : user.passwordHash,
    hidden: user.hidden,
    // MicroMDM has no such key: each device gets a password of its own.
    password: user.generates ? { generate: true } : undefined,
  }
}
