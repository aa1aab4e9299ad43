import { beforeAll, expect, it, onTestFinished } from 'vitest'
import { newState, PROJECT } from '../server.ts'
import { buildCode, newSecrets, startDeployment, type Code, type Pair } from './deployment.ts'
import { codeOfRelease, newestRelease } from './release.ts'
import { beginWalk } from './walk.ts'
import { createWorld } from './world.ts'

let before: Code
let after: Code

beforeAll(async () => {
  before = await codeOfRelease(newestRelease())
  after = await buildCode(PROJECT)
})

/** The methods of a class, each of which the bundle has on a line of its own. */
function methodsOf({ script }: Code, className: string): string[] {
  const [, body = ''] =
    new RegExp(String.raw`^(?:var |let )?${className} = class .*\{\n([^]*?)^\}`, 'm').exec(
      script,
    ) ?? []
  return Array.from(body.matchAll(/^(?: {2}|\t)(?:async )?([a-z]\w*)\(/gm), ([, name = '']) => name)
}

it('each object keeps the methods that the newest release calls', () => {
  const classes = [...before.objects.values()]
  expect(classes).toContain('Device')
  for (const className of classes) {
    const had = methodsOf(before, className)
    expect(had.length, className).toBeGreaterThan(3)
    expect(methodsOf(after, className)).toEqual(expect.arrayContaining(had))
  }
})

it('a migration of the newest release is unchanged', () => {
  expect(before.migrations.length).toBeGreaterThan(0)
  expect(after.migrations.slice(0, before.migrations.length)).toEqual(before.migrations)
})

it('an update and its rollback lose nothing: the objects of either release serve the Worker of the other', async () => {
  const world = createWorld()
  const deployment = await startDeployment(
    {
      state: await newState(),
      ...world.outside,
      bindings: { ...world.outside.bindings, ...newSecrets() },
      shared: new Set(before.objects.values()),
      newer: after,
    },
    { worker: before, objects: before },
  )
  onTestFinished(deployment.close)
  world.use(deployment)
  const walk = await beginWalk(world)
  await walk.stage('released')
  // For up to five minutes after a deploy and after a rollback, objects in use keep their code.
  const stages: readonly (readonly [name: string, pair: Pair])[] = [
    ['deployed', { worker: after, objects: before }],
    ['updated', { worker: after, objects: after }],
    ['rolled-back', { worker: before, objects: after }],
    ['restored', { worker: before, objects: before }],
  ]
  for (const [name, pair] of stages) {
    await deployment.deploy(pair)
    await walk.stage(name)
  }
  expect(world.failures).toEqual([])
  const faults = /"(?:http:error|background:failed|queue:send-failed)"/
  expect(deployment.lines.filter((line) => faults.test(line))).toEqual([])
  // An object of the release before does not have a method that came with the new code.
  const calling = after.script.replaceAll('.viewTimeline(', '.added(')
  await deployment.deploy({ worker: { ...after, script: calling }, objects: before })
  const [device] = walk.devices
  expect(await world.api('GET', `/api/devices/${device?.udid}/events`)).toMatchObject({
    status: 503,
    body: { detail: 'the server is being updated: try again in five minutes' },
  })
})
