/** Takes up what new devices get: setup users, blueprints, and accounts of Automated Device Enrollment. */
import { Buffer } from 'node:buffer'
import { blueprintOfFlat, faultOfFlat } from '../../blueprints/flat.ts'
import { checkBlueprint } from '../../blueprints/check.ts'
import { isPasswordHash } from '../../blueprints/password.ts'
import type { BlueprintFault } from '../../blueprints/step-faults.ts'
import { clock } from '../../clock.ts'
import { requireConfig } from '../../config/config.ts'
import { depAccountId, importToken } from '../../dep-account/import.ts'
import { readDepKey } from '../../dep/exchange-key.ts'
import { listBlueprints, storeBlueprint } from '../../directory/blueprints/blueprints.ts'
import { readSetupUsers, storeSetupUser } from '../../directory/blueprints/users.ts'
import { putAccount, storeRules } from '../../directory/dep/accounts.ts'
import { addDepKey, openDepKey } from '../../directory/dep/keys.ts'
import {
  broughtBefore,
  type ItemEnd,
  type ItemKind,
  type MoveItem,
} from '../../directory/moves/items.ts'
import {
  readAuthority,
  readMovedBlueprint,
  readMovedDepAccount,
  readMovedSetupUser,
} from '../../migration/records.ts'
import { MAX_BLUEPRINTS, namesIn } from '../../setup/put-blueprint.ts'
import { faultOfUser } from '../../setup/put-user.ts'
import type { WorkEnv } from '../work.ts'

export type Outcomes = ReadonlyMap<string, ItemEnd>
type Take = (env: WorkEnv, item: MoveItem) => Promise<ItemEnd>

/** Tokens are good for a year (Apple, "Authenticating Through Web Views and Device Assignment"). */
const TOKEN_LIFE = 365 * 86_400_000
const MAX_REMARK = 1000
const APPLIED: ItemEnd = { outcome: 'applied' }
/** What is here stays. */
const STAYS: ItemEnd = { outcome: 'kept' }

/** How each kind is taken up. A second call for an item changes nothing. */
const TAKE = {
  setup_user: takeSetupUser,
  blueprint: takeBlueprint,
  dep_key: takeDepKey,
  dep_account: takeDepAccount,
} satisfies Partial<Record<ItemKind, Take>>

/** A later copy changes nothing of what an earlier one brought: an admin may have changed or removed it. */
export function takeUp(kind: keyof typeof TAKE) {
  return async (env: WorkEnv, items: readonly MoveItem[], move: string): Promise<Outcomes> => {
    const ids = items.map(({ id }) => id)
    const before = await broughtBefore(env.DB, move, kind, ids)
    const ends = new Map<string, ItemEnd>()
    for (const item of items) {
      ends.set(item.id, before.has(item.id) ? STAYS : await TAKE[kind](env, item))
    }
    return ends
  }
}

async function takeSetupUser(env: WorkEnv, { data }: MoveItem): Promise<ItemEnd> {
  const { sealer } = requireConfig(env)
  const user = readMovedSetupUser(data)
  const [here] = await readSetupUsers(env.DB, sealer, [user.uuid])
  if (here) {
    return STAYS
  }
  const fault = faultOfUser(user, undefined)
  if (fault) {
    return leave(`${fault.key} ${fault.detail}`)
  }
  const others = { generates: false, udid: '', userId: '', authToken: '' }
  await storeSetupUser(env.DB, sealer, { ...user, ...others }, clock.now())
  return isPasswordHash(Buffer.from(user.passwordHash, 'base64'))
    ? APPLIED
    : { outcome: 'applied', remark: 'no Mac takes its password hash: store it with a password' }
}

/** As in MicroMDM, a blueprint may name profiles and users that are not there: it does not wait for them. */
async function takeBlueprint({ DB }: WorkEnv, { data }: MoveItem): Promise<ItemEnd> {
  const flat = readMovedBlueprint(data)
  const blueprint = blueprintOfFlat(flat)
  const here = await listBlueprints(DB)
  if (here.some((one) => one.blueprint.uuid === flat.uuid)) {
    return STAYS
  }
  if (here.length >= MAX_BLUEPRINTS) {
    return leave(`${MAX_BLUEPRINTS} blueprints exist: remove one first`)
  }
  const { profile_ids: profiles, user_uuids: users } = flat
  const named = { profiles: new Set(profiles), users: new Set(users) }
  const checked = checkBlueprint(blueprint, named)
  const fault = faultOfFlat(flat) ?? (checked.ok ? undefined : faultText(checked.faults))
  if (fault !== undefined) {
    return leave(fault)
  }
  if ((await storeBlueprint(DB, blueprint, clock.now())) === undefined) {
    return leave(`another blueprint has the name ${flat.name}: rename one of them`)
  }
  const found = await namesIn(DB, blueprint)
  const missing = [
    ...[...named.profiles.difference(found.profiles)].map((id) => `the profile ${id}`),
    ...[...named.users.difference(found.users)].map((id) => `the setup user ${id}`),
  ]
  return missing.length === 0
    ? APPLIED
    : {
        outcome: 'applied',
        remark: `not here, so that its step fails: ${missing.join(', ')}`.slice(0, MAX_REMARK),
      }
}

function faultText(faults: readonly BlueprintFault[]): string {
  return faults.map(({ at, detail }) => `${at}: ${detail}`).join('; ')
}

/** It stays as it came. */
function leave(remark: string): ItemEnd {
  return { outcome: 'kept', remark: remark.slice(0, MAX_REMARK) }
}

async function takeDepKey(env: WorkEnv, { id, data }: MoveItem): Promise<ItemEnd> {
  const { certificate, key } = readAuthority(data)
  const pair = readDepKey(certificate, key, 'pkcs8')
  if (!pair) {
    return leave('certificate and key do not make a pair')
  }
  const row = { serial: id, certificate, key: pair.privateKey }
  await addDepKey(env.DB, requireConfig(env).sealer, row, clock.now())
  return APPLIED
}

/** An account counts as here when its token is in place: all before that is repeated after a crash. */
async function takeDepAccount(env: WorkEnv, { data }: MoveItem): Promise<ItemEnd> {
  const config = requireConfig(env)
  const { token, keySerial, cursor, autoAssign } = readMovedDepAccount(data)
  const id = depAccountId(token)
  if (await env.DEP.getByName(id).status()) {
    return STAYS
  }
  const tokenAt = Math.min(clock.now(), cursor ? Infinity : token.expiresAt - TOKEN_LIFE)
  const row = { id, serverUuid: '', serverName: '', organization: '', tokenAt }
  await putAccount(env.DB, row)
  if (autoAssign !== undefined) {
    await storeRules(env.DB, id, [{ match: {}, profile: autoAssign }])
  }
  const key = keySerial && (await openDepKey(env.DB, config.sealer, keySerial))
  const moved = { ...(key && { key }), ...(cursor && { cursor }), tokenAt }
  await importToken(env, config, token, moved)
  return APPLIED
}
