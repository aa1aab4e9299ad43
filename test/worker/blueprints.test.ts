import { beforeEach, describe, expect, it, vi } from 'vitest'
import {
  mdmctl,
  newBlueprintName,
  noBlueprints,
  storeBlueprint,
  storeProfile,
} from './blueprint-tools.ts'
import { api } from './server.ts'

beforeEach(noBlueprints)

const listed = () => mdmctl('POST', '/v1/blueprints', '{"FilterName":""}\n')
const error = (text: string) => ({ status: 500, body: { error: text } })
const URL = 'https://mdm.example.com/repo/agent.plist'

/** The blueprint that `mdmctl apply blueprints -template` prints, for this profile. */
function template(uuid: string, name: string, ...profiles: string[]) {
  return {
    uuid,
    name,
    install_application_manifest_urls: [URL],
    profile_ids: profiles,
    user_uuids: null,
    skip_primary_setup_account_creation: false,
    set_primary_setup_account_as_regular_user: false,
    apply_at: ['Enroll'],
  }
}

function apply(blueprint: object) {
  return mdmctl('PUT', '/v1/blueprints', `${JSON.stringify({ blueprint })}\n`)
}

describe('mdmctl', () => {
  it('lists none as null', async () => {
    expect(await listed()).toMatchObject({ status: 200, body: { blueprints: null } })
  })

  it('applies a blueprint, gets it back, and removes it by its name', async () => {
    const blueprint = template('b-1', newBlueprintName(), await storeProfile())
    expect(await apply(blueprint)).toEqual({ status: 200, body: {}, warnings: null })
    expect((await listed()).body).toEqual({ blueprints: [blueprint] })
    const named = JSON.stringify({ FilterName: blueprint.name })
    expect((await mdmctl('POST', '/v1/blueprints', named)).body).toEqual({
      blueprints: [blueprint],
    })
    // Its DELETE comes in two chunks, the first of which is `{`.
    const names = `"names":["${blueprint.name}"]}\n`
    expect(await mdmctl('DELETE', '/v1/blueprints', '{', names)).toMatchObject({
      status: 200,
      body: {},
    })
    expect((await listed()).body).toEqual({ blueprints: null })
  })

  it('changes a blueprint under its uuid, its name too', async () => {
    const profile = await storeProfile()
    await apply(template('b-2', newBlueprintName(), profile))
    const changed = { ...template('b-2', newBlueprintName()), apply_at: ['enroll', 'Later'] }
    expect((await apply(changed)).status).toBe(200)
    expect((await listed()).body).toEqual({ blueprints: [{ ...changed, profile_ids: null }] })
  })

  it('lists blueprints by their uuids', async () => {
    for (const uuid of ['b', 'c', 'a']) {
      await apply(template(uuid, newBlueprintName()))
    }
    const { blueprints } = (await listed()).body as { blueprints: { uuid: string }[] }
    expect(blueprints.map(({ uuid }) => uuid)).toEqual(['a', 'b', 'c'])
  })

  it('hears MicroMDM’s errors', async () => {
    const name = newBlueprintName()
    await apply(template('b-3', name))
    expect(await mdmctl('PUT', '/v1/blueprints', '{}')).toMatchObject(
      error('no blueprint supplied'),
    )
    expect(await mdmctl('PUT', '/v1/blueprints', '')).toMatchObject(error('EOF'))
    for (const missing of [{ uuid: '' }, { name: '' }]) {
      expect(await apply({ ...template('b-4', newBlueprintName()), ...missing })).toMatchObject(
        error('Blueprint must have Name and UUID'),
      )
    }
    expect(await apply(template('b-4', name))).toMatchObject(
      error(`Blueprint not saved: same name ${name} exists`),
    )
    expect(await apply(template('b-4', 'Other', 'com.example.gone'))).toMatchObject(
      error('Profile ID com.example.gone in Blueprint Other does not exist'),
    )
    const unknown = error('not found: Blueprint name Nothing')
    const filter = '{"FilterName":"Nothing"}'
    expect(await mdmctl('POST', '/v1/blueprints', filter)).toMatchObject(unknown)
    expect(await mdmctl('DELETE', '/v1/blueprints', '{"names":["Nothing"]}')).toMatchObject(unknown)
    expect((await listed()).body).toMatchObject({ blueprints: [{ uuid: 'b-3' }] })
  })

  it('hears what MicroMDM finds out on devices alone', async () => {
    const users = { ...template('b-5', 'Mine'), user_uuids: ['u-gone'] }
    expect(await apply(users)).toMatchObject(
      error('User UUID u-gone in Blueprint Mine does not exist'),
    )
    for (const uuid of ['u-1', 'u-2']) {
      const user = { uuid, user_shortname: uuid, user_longname: '', password_hash: 'eA==' }
      await mdmctl('PUT', '/v1/users', JSON.stringify({ user }))
    }
    const two = await apply({ ...users, user_uuids: ['u-1', 'u-2'] })
    expect(two).toMatchObject(error(expect.stringMatching(/^Blueprint Mine names 2 users: /)))
    const skip = { ...template('b-5', 'Mine'), skip_primary_setup_account_creation: true }
    expect(await apply(skip)).toMatchObject(
      error(expect.stringMatching(/needs a user in user_uuids/)),
    )
    const manifest = { ...template('b-5', 'Mine'), install_application_manifest_urls: ['repo/a'] }
    expect(await apply(manifest)).toMatchObject(
      error(expect.stringMatching(/^Blueprint Mine: repo\/a is neither the URL of a manifest/)),
    )
  })

  it('removes the names before an unknown one, as in MicroMDM', async () => {
    const name = newBlueprintName()
    await apply(template('b-6', name))
    const names = JSON.stringify({ names: [name, 'Nothing'] })
    expect((await mdmctl('DELETE', '/v1/blueprints', names)).status).toBe(500)
    expect((await listed()).body).toEqual({ blueprints: null })
  })

  it('may remove a profile that a blueprint names: the log says which', async () => {
    const profile = await storeProfile()
    const name = newBlueprintName()
    await apply(template('b-7', name, profile))
    const warnings = vi.spyOn(console, 'warn')
    const ids = JSON.stringify({ ids: [profile] })
    expect(await mdmctl('DELETE', '/v1/profiles', ids)).toMatchObject({ status: 200, body: {} })
    expect(warnings.mock.calls.map(([line]) => JSON.parse(String(line)))).toContainEqual(
      expect.objectContaining({ event: 'blueprint:profile-removed', profile, blueprints: name }),
    )
    warnings.mockRestore()
    expect((await listed()).body).toMatchObject({ blueprints: [{ profile_ids: [profile] }] })
  })
})

describe('a blueprint of more steps than MicroMDM’s form has', () => {
  it('keeps them when mdmctl applies the form, and hears so in a header', async () => {
    const profile = await storeProfile()
    const steps = [
      { do: 'profile', id: profile, required: true },
      { do: 'hold' },
      { do: 'package', manifest: URL },
    ]
    const id = await storeBlueprint({ steps, priority: 3 })
    const { blueprints } = (await listed()).body as { blueprints: { uuid: string; name: string }[] }
    const form = blueprints.find(({ uuid }) => uuid === id)
    expect(form).toEqual(template(id, String(form?.name), profile))
    const put = await apply({ ...form, install_application_manifest_urls: [] })
    expect(put).toEqual({
      status: 200,
      body: {},
      warnings: `299 - "kept, though this form cannot express it: priority, profile ${profile}, hold"`,
    })
    expect((await api('GET', `/api/blueprints/${id}`)).body).toMatchObject({
      priority: 3,
      version: 2,
      steps: [...steps.slice(0, 2), { do: 'release' }],
    })
  })

  it('is warned of when no device would get it', async () => {
    const put = await apply({ ...template('b-8', newBlueprintName()), apply_at: [] })
    expect(put).toMatchObject({
      status: 200,
      warnings: '299 - "no device gets the blueprint: `Enroll` is missing in `apply_at`"',
    })
  })
})
