/** The states of all releases: a device may call its object for the first time after many updates. */
import { execFileSync } from 'node:child_process'
import { existsSync, globSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, it, onTestFinished } from 'vitest'
import { newState, PROJECT } from '../server.ts'
import { buildCode, newSecrets, startDeployment } from './deployment.ts'
import { codeOfRelease, type Release, RELEASES } from './release.ts'
import { beginWalk, type WalkMemory } from './walk.ts'
import { createWorld } from './world.ts'

/** What a stored state has beside the rows. */
interface Around {
  readonly bindings: Readonly<Record<string, string>>
  readonly classes: readonly string[]
  readonly walk: WalkMemory
}

const AROUND = 'around.json'

const fileOf = ({ version }: Release): string =>
  join(import.meta.dirname, 'states', `${version}.tar.gz`)

it.each(RELEASES)(
  'the state of release $version is opened, and its devices go on',
  async (release) => {
    const packed = fileOf(release)
    if (!existsSync(packed)) {
      await packState(release, packed)
      throw new Error(`${packed} was missing and is made now: commit it`)
    }
    const state = await newState()
    execFileSync('tar', ['-xzf', packed, '-C', state])
    const around: Around = JSON.parse(readFileSync(join(state, AROUND), 'utf8'))
    const world = createWorld()
    const { internet, apns } = world.outside
    const newer = await buildCode(PROJECT)
    // A CA for new devices, beside the one of those that are there.
    const DEVICE_CA = `${around.bindings['DEVICE_CA']}\n${world.outside.bindings['DEVICE_CA']}`
    // The key of the state itself is an example, which is not accepted.
    const bindings = { ...around.bindings, DEVICE_CA, API_KEY: 'test-key' }
    const shared = new Set(around.classes)
    const deployment = await startDeployment(
      { state, bindings, internet, apns, shared, newer },
      { worker: newer, objects: newer },
    )
    onTestFinished(deployment.close)
    world.use(deployment)
    const walk = await beginWalk(world, around.walk)
    await walk.stage('opened')
    const { body } = await world.api<{ items: { id: string }[] }>('GET', '/api/dep/accounts')
    const account = await world.api('GET', `/api/dep/accounts/${body.items[0]?.id}`)
    expect(account.status).toBe(200)
    expect(world.failures).toEqual([])
  },
)

/** Lets the release itself write a state. */
async function packState(release: Release, file: string): Promise<void> {
  const code = await codeOfRelease(release)
  const state = await newState()
  const world = createWorld()
  const { internet, apns } = world.outside
  const bindings = { ...world.outside.bindings, ...newSecrets() }
  const classes = [...code.objects.values()]
  const shared = new Set(classes)
  const deployment = await startDeployment(
    { state, bindings, internet, apns, shared, newer: code },
    { worker: code, objects: code },
  )
  world.use(deployment)
  const walk = await beginWalk(world)
  await walk.stage('released')
  await deployment.close()
  const around: Around = { bindings, classes, walk: walk.memory() }
  writeFileSync(join(state, AROUND), JSON.stringify(around))
  for (const name of globSync('worker/**/*.sqlite', { cwd: state })) {
    // Its log comes into the file, which is much smaller.
    const database = new DatabaseSync(join(state, name))
    database.exec('PRAGMA journal_mode = DELETE')
    database.close()
  }
  const folders = ['worker/d1', 'worker/do', AROUND]
  execFileSync('tar', ['--owner=0', '--group=0', '-czf', file, '-C', state, ...folders])
}
