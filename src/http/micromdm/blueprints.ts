import { boolField, objectField, stringField, stringsField } from '../../commands/go-fields.ts'
import type { JsonObject } from '../../commands/go-json.ts'
import {
  blueprintOfFlat,
  faultOfFlat,
  flatOf,
  unexpressed,
  type FlatBlueprint,
} from '../../blueprints/flat.ts'
import { clock } from '../../clock.ts'
import {
  findBlueprint,
  findBlueprintNamed,
  listBlueprints,
  removeBlueprint,
  type StoredBlueprint,
} from '../../directory/blueprints/blueprints.ts'
import {
  type BlueprintPut,
  MAX_BLUEPRINTS,
  namesIn,
  putBlueprint,
} from '../../setup/put-blueprint.ts'
import { newApp } from '../app-env.ts'
import { RequestError } from '../request-error.ts'
import { type AdminContext, goJson, readObject, withWarnings } from './request.ts'

/** `/v1/blueprints`: MicroMDM's form of blueprints (docs/blueprints.md §6). */
export const v1Blueprints = newApp()

/** MicroMDM lists them by uuid. */
v1Blueprints.post('/v1/blueprints', async (c) => {
  const body = await readObject(c)
  const name =
    stringField(body, 'FilterName', 'GetBlueprintsOption') ||
    stringField(body, 'filter_name', 'GetBlueprintsOption') ||
    ''
  const found = name === '' ? await listBlueprints(c.env.DB) : [await blueprintNamed(c, name)]
  const shown = found
    .map(({ blueprint }) => flatOf(blueprint))
    .toSorted((one, other) => (one.uuid < other.uuid ? -1 : 1))
  return goJson({ blueprints: shown.length === 0 ? null : shown.map(flatJson) })
})

v1Blueprints.put('/v1/blueprints', async (c) => {
  const given = objectField(await readObject(c), 'blueprint', 'applyBlueprintRequest')
  if (given === undefined) {
    throw new RequestError('no blueprint supplied')
  }
  const flat = readFlat(given)
  const { uuid, name } = flat
  if (name === '' || uuid === '') {
    throw new RequestError('Blueprint must have Name and UUID')
  }
  const isTaken = new RequestError(`Blueprint not saved: same name ${name} exists`)
  const namesake = await findBlueprintNamed(c.env.DB, name)
  if (namesake && namesake.blueprint.uuid !== uuid) {
    throw isTaken
  }
  const fault = (await unknownName(c, flat)) ?? faultOfFlat(flat)
  if (fault !== undefined) {
    throw new RequestError(fault)
  }
  const put = await storeFlat(c, flat)
  switch (put.kind) {
    case 'name_taken':
      throw isTaken
    case 'too_many':
      throw new RequestError(`${MAX_BLUEPRINTS} blueprints exist: remove one first`)
    case 'refused':
      throw new RequestError(
        `Blueprint ${name}: ${put.faults.map(({ detail }) => detail).join('; ')}`,
      )
    case 'stored': {
      const kept = unexpressed(put.blueprint)
      return withWarnings(goJson({}), [
        ...(kept.length > 0
          ? [`kept, though this form cannot express it: ${kept.join(', ')}`]
          : []),
        ...put.warnings,
      ])
    }
  }
})

/**
 * As in MicroMDM the last writer wins. What this form cannot express is kept of the version before, also if
 * that came while this one was stored.
 */
async function storeFlat(
  c: AdminContext,
  flat: FlatBlueprint,
): Promise<Exclude<BlueprintPut, { kind: 'moved' }>> {
  for (;;) {
    const before = (await findBlueprint(c.env.DB, flat.uuid))?.blueprint
    const blueprint = blueprintOfFlat(flat, before)
    const put = await putBlueprint(c.env, blueprint, clock.now(), before?.version ?? 0)
    if (put.kind !== 'moved') {
      return put
    }
  }
}

/** As in MicroMDM, an unknown name ends the call, and the blueprints before it are removed. */
v1Blueprints.delete('/v1/blueprints', async (c) => {
  for (const name of stringsField(await readObject(c), 'names', 'removeBlueprintsRequest') ?? []) {
    const { blueprint } = await blueprintNamed(c, name)
    await removeBlueprint(c.env.DB, blueprint.uuid)
  }
  return goJson({})
})

async function blueprintNamed(c: AdminContext, name: string): Promise<StoredBlueprint> {
  const found = await findBlueprintNamed(c.env.DB, name)
  if (found === undefined) {
    throw new RequestError(`not found: Blueprint name ${name}`)
  }
  return found
}

async function unknownName(c: AdminContext, flat: FlatBlueprint): Promise<string | undefined> {
  const { name, profile_ids: ids, user_uuids: uuids } = flat
  const { profiles, users } = await namesIn(c.env.DB, {
    steps: [
      ...ids.map((id) => ({ do: 'profile' as const, id })),
      ...uuids.map((admin) => ({ do: 'account' as const, admin })),
    ],
  })
  const profile = ids.find((id) => !profiles.has(id))
  const user = uuids.find((uuid) => !users.has(uuid))
  return profile !== undefined
    ? `Profile ID ${profile} in Blueprint ${name} does not exist`
    : user !== undefined
      ? `User UUID ${user} in Blueprint ${name} does not exist`
      : undefined
}

function readFlat(json: JsonObject): FlatBlueprint {
  const struct = 'Blueprint'
  const texts = (key: string) => stringsField(json, key, struct) ?? []
  const flag = (key: string) => boolField(json, key, struct) ?? false
  return {
    uuid: stringField(json, 'uuid', struct) ?? '',
    name: stringField(json, 'name', struct) ?? '',
    install_application_manifest_urls: texts('install_application_manifest_urls'),
    profile_ids: texts('profile_ids'),
    user_uuids: texts('user_uuids'),
    skip_primary_setup_account_creation: flag('skip_primary_setup_account_creation'),
    set_primary_setup_account_as_regular_user: flag('set_primary_setup_account_as_regular_user'),
    apply_at: texts('apply_at'),
  }
}

function flatJson(flat: FlatBlueprint) {
  return {
    ...flat,
    install_application_manifest_urls: listed(flat.install_application_manifest_urls),
    profile_ids: listed(flat.profile_ids),
    user_uuids: listed(flat.user_uuids),
    apply_at: listed(flat.apply_at),
  }
}

/** Go writes an empty list as null. */
function listed(list: readonly string[]): readonly string[] | null {
  return list.length === 0 ? null : list
}
