/** `npm run destroy` against test/cloudflare, with wrangler's own code. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, expect, it, vi } from 'vitest'
import { callWrangler } from '../../src/cli/deploy/cloudflare/wrangler.ts'
import { readDestroyOrder } from '../../src/cli/destroy/arguments.ts'
import { runDestroy } from '../../src/cli/destroy/run.ts'
import { addWorker } from '../cloudflare/account.ts'
import { type Cloudflare, startCloudflare } from '../cloudflare/cloudflare.ts'
import { addResources, changesIn, deployWith, newProject, standInServer } from './deploy-tools.ts'
import { newState } from './server.ts'

const running: Cloudflare[] = []

afterEach(() => vi.unstubAllGlobals())
afterAll(() => Promise.all(running.map((cf) => cf.close())))

async function cloudflare() {
  const cf = await startCloudflare()
  running.push(cf)
  cf.serve = standInServer().serve
  return { cf, at: { project: await newProject(), state: await newState() } }
}

async function destroyWith(
  cf: Cloudflare,
  { project, state }: { readonly project: string; readonly state: string },
  args: readonly string[],
  answer?: string,
) {
  const printed: string[] = []
  const order = readDestroyOrder(['--state', state, ...args], {})
  if ('help' in order) {
    throw new Error('help destroys nothing')
  }
  const exit = await runDestroy(order, {
    projectDir: project,
    env: cf.env,
    fetch,
    sleep: () => Promise.resolve(),
    screen: {
      tell: (event) => void printed.push(JSON.stringify(event)),
      show: (text) => void printed.push(text),
      isWatched: answer !== undefined,
      ask: answer === undefined ? undefined : () => Promise.resolve(answer),
    },
    callWrangler,
  })
  return { exit, printed: printed.join('\n') }
}

const leftIn = ({ account }: Cloudflare) => ({
  workers: [...account.workers.keys()],
  queues: account.queues.map(({ queue_name }) => queue_name),
  databases: account.databases.map(({ name }) => name),
})

it('removes one deployment once its name is typed, its data when it is told to, and nothing of another', async () => {
  const { cf, at } = await cloudflare()
  expect(await deployWith(cf, at, ['--yes', '--name', 'acme'])).toMatchObject({ exit: 0 })
  await addResources(cf, 'other')
  const [database, otherDatabase] = cf.account.databases
  addWorker(cf.account, 'other', [
    { type: 'durable_object_namespace', name: 'DEVICE', class_name: 'Device' },
    { type: 'd1', name: 'DB', id: otherDatabase?.uuid },
    { type: 'queue', name: 'EVENTS', queue_name: 'other-events' },
  ])
  database?.sql.exec('INSERT INTO devices VALUES (1, 0), (1, 0)')
  const everything = leftIn(cf)
  const from = cf.calls.length
  for (const [args, answer] of [
    [[], undefined],
    [[], 'yes'],
    [['--yes', 'other'], undefined],
  ] as const) {
    const refused = await destroyWith(cf, at, ['--name', 'acme', ...args], answer)
    expect(refused).toMatchObject({ exit: 2, printed: expect.stringContaining('acme-events') })
    expect(refused.printed).toContain('Enrolled devices: 2.')
  }
  expect([changesIn(cf, from), leftIn(cf)]).toEqual([[], everything])

  // As after a rename: Cloudflare keeps a Worker that any queue names.
  cf.account.queues.push({
    queue_id: 'old',
    queue_name: 'old-events',
    created_on: '',
    consumers: [{ consumer_id: 'c', type: 'worker', script: 'acme', settings: {} }],
  })
  cf.fail({ method: 'DELETE', path: /^\/queues\/[^/]+$/, status: 500, code: 1, message: 'ours' })
  const half = await destroyWith(cf, at, ['--name', 'acme'], 'acme')
  expect([half.exit, leftIn(cf).workers]).toEqual([1, ['other']])
  const rest = await destroyWith(cf, at, ['--name', 'acme'], 'acme')
  expect(rest).toMatchObject({ exit: 0, printed: expect.stringContaining('The D1 acme stays') })
  expect(leftIn(cf)).toEqual({
    workers: ['other'],
    queues: ['other-events', 'old-events'],
    databases: ['acme', 'other'],
  })

  // The keys are still here, and open the D1.
  const again = await deployWith(cf, at, ['--yes', '--name', 'acme'])
  expect(again).toMatchObject({ exit: 0, steps: ['deploy', 'answer'] })
  const all = ['--name', 'acme', '--yes', 'acme', '--with-data']
  // By the program itself: this run has each of the commands.
  const withProgram = { ...at, project: await newProject('program') }
  expect(await destroyWith(cf, withProgram, all)).toMatchObject({ exit: 0 })
  expect(leftIn(cf)).toEqual({
    workers: ['other'],
    queues: ['other-events', 'old-events'],
    databases: ['other'],
  })
  const state = await readFile(join(at.state, 'deployments/acme/deployment.json'), 'utf8')
  expect(Object.keys(JSON.parse(state))).not.toContain('authority')
  expect(await destroyWith(cf, at, all)).toMatchObject({
    exit: 0,
    printed: expect.stringContaining('nothing to remove of acme'),
  })
})

it('a Worker and a D1 that are not ours stay', async () => {
  const { cf, at } = await cloudflare()
  await addResources(cf, 'acme')
  const sql = cf.account.databases[0]?.sql
  sql?.exec(
    "CREATE TABLE d1_migrations (name); INSERT INTO d1_migrations VALUES ('0000_first.sql')",
  )
  addWorker(cf.account, 'acme', [{ type: 'secret_text', name: 'API_KEY', text: 'x' }])
  const others = [
    [['--name', 'acme'], /the Worker acme is another application/],
    [['--name', 'acme', '--with-data'], /the D1 acme has no table of this program/],
  ] as const
  for (const [args, fault] of others) {
    const left = leftIn(cf)
    const refused = await destroyWith(cf, await elsewhere(at), [...args, '--yes', 'acme'])
    expect(refused).toMatchObject({ exit: 3, printed: expect.stringMatching(fault) })
    expect(leftIn(cf)).toEqual(left)
    cf.account.workers.delete('acme')
    sql?.exec('DELETE FROM d1_migrations')
  }
})

/** Another machine, which knows nothing of the deployment. */
async function elsewhere({ project }: { readonly project: string }) {
  return { project, state: await newState() }
}
