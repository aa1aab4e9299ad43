/** `npm run keys -- to-secrets` against a fake of Cloudflare, with wrangler's own code. */
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { changesIn } from './deploy-tools.ts'
import {
  addServer,
  type ClaimedScene,
  claimedScene,
  newSealKey,
  secretOf,
  toSecretsProcess,
} from './keys-to-secrets-tools.ts'

const scenes: ClaimedScene[] = []
afterEach(async () => {
  vi.unstubAllGlobals()
  await Promise.all(scenes.splice(0).map(({ cf }) => cf.close()))
})

async function scene(...given: Parameters<typeof claimedScene>): Promise<ClaimedScene> {
  const made = await claimedScene(...given)
  scenes.push(made)
  return made
}

const keptIn = async ({ folder }: ClaimedScene): Promise<Record<string, string>> =>
  JSON.parse(await readFile(join(folder, 'secrets.json'), 'utf8'))

async function keep({ folder }: ClaimedScene, secrets: object): Promise<void> {
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'secrets.json'), JSON.stringify(secrets))
}

/** The keys are secrets of the Worker and in the file, and nowhere else. */
async function expectMoved(moved: ClaimedScene, printed: string): Promise<void> {
  const { worker, server, ring, folder } = moved
  const kept = await keptIn(moved)
  expect(secretOf(worker, 'SEAL_KEYS')).toBe(ring)
  expect(secretOf(worker, 'API_KEY')).toMatch(/^[\da-f]{48}$/)
  expect(kept).toEqual({ SEAL_KEYS: ring, API_KEY: secretOf(worker, 'API_KEY') })
  expect((await stat(join(folder, 'secrets.json'))).mode & 0o777).toBe(0o600)
  expect(server.held).toBe('')
  for (const secret of [kept['API_KEY'] ?? '', ring.slice(3), 'emk_setup']) {
    expect(printed).not.toContain(secret)
  }
}

it('the keys of a claimed server become secrets of its Worker, in one version of it', async () => {
  const made = await scene()
  made.server.late = 1
  const { stdout, stderr } = await toSecretsProcess(made)
  await expectMoved(made, stdout + stderr)
  expect(stdout).toContain('set API_KEY and SEAL_KEYS as secrets of the Worker edgemdm')
  expect(stdout).toContain(
    'wait until https://edgemdm.example.workers.dev uses its secrets: at most 3',
  )
  expect(changesIn(made.cf)).toEqual(['PATCH /workers/scripts/edgemdm/secrets-bulk'])

  const again = await toSecretsProcess(made)
  expect(again.stdout).toContain('Nothing to do')
  expect(made.server.reveals).toBe(1)
})

const BULK = {
  method: 'PATCH',
  path: /secrets-bulk$/,
  status: 500,
  code: 10013,
  message: 'away',
}

it('a move that is interrupted at any point goes on when it is run again, and asks for the keys once', async () => {
  const made = await scene()
  const { cf, server, ring } = made
  const printed: unknown[] = []
  const interrupted = async (interrupt: () => unknown, error: RegExp): Promise<void> => {
    interrupt()
    const run = await made.move()
    expect(run.error).toMatch(error)
    printed.push(run)
  }
  const fail = (call: string, afterwards = false) => (server.fault = { call, afterwards })
  // Before they are read, while they are revealed, and before and after they are secrets.
  await interrupted(() => fail('GET /api/seal-keys'), /the power went off/)
  await interrupted(() => fail('POST /api/seal-keys/reveal', true), /the power went off/)
  await interrupted(() => cf.fail(BULK), /away/)
  expect((await keptIn(made))['SEAL_KEYS']).toBe(ring)
  const { reveals } = server
  await interrupted(() => cf.fail({ ...BULK, afterwards: true }), /away/)
  // While the server does not show them, and before Control forgets them.
  await interrupted(() => (server.late = 1000), /Nothing is lost: run this again/)
  server.late = 0
  await interrupted(() => fail('DELETE /api/seal-keys/control'), /the power went off/)
  expect([server.held, server.reveals]).toEqual([ring, reveals])

  await interrupted(() => fail('DELETE /api/seal-keys/control', true), /the power went off/)
  const done = await made.move()
  expect(done).toMatchObject({ error: '', printed: expect.stringContaining('Nothing to do') })
  await expectMoved(made, JSON.stringify([...printed, done]))
  expect(server.reveals).toBe(reveals)
})

it('keys of both places make one ring, and an API_KEY of the Worker stays', async () => {
  const [newest, oldest] = [newSealKey('k2'), newSealKey('k1')]
  const made = await scene({ API_KEY: 'mine', SEAL_KEYS: newest }, oldest)
  expect((await made.move()).error).toContain('write SEAL_KEYS with it')
  expect(secretOf(made.worker, 'SEAL_KEYS')).toBe(newest)

  await keep(made, { SEAL_KEYS: newest })
  expect((await made.move()).error).toBe('')
  expect(secretOf(made.worker, 'SEAL_KEYS')).toBe(`${newest},${oldest}`)
  expect(secretOf(made.worker, 'API_KEY')).toBe('mine')
  expect(await keptIn(made)).toEqual({ SEAL_KEYS: `${newest},${oldest}` })
  expect(made.server.held).toBe('')
})

it('a key that the command makes is told apart from the one of the recovery file', async () => {
  const made = await scene()
  for (const { printed } of [await made.move(), await made.move()]) {
    expect(printed).toContain('Two API keys are good now')
    expect(printed).toContain(`It is in ${join(made.folder, 'secrets.json')}, and a secret`)
  }
  const other = await scene({ API_KEY: 'mine' })
  expect((await other.move()).printed).not.toContain('Two API keys')
})

it('a server that does not use its secrets in time is told what to do', async () => {
  const made = await scene()
  made.server.late = 1000
  const { printed, error } = await made.move()
  expect(printed).toContain('at most 3 minutes')
  expect(error).toMatch(/Nothing is lost: run this again.*deployments status --name edgemdm/)
})

describe('without --name, it is the Worker', () => {
  const CUSTOM = 'https://mdm.example.com'

  it('at the address at workers.dev', async () => {
    const made = await scene()
    addServer(made.cf, 'other')
    expect((await made.move()).error).toBe('')
    expect(secretOf(made.worker, 'SEAL_KEYS')).toBe(made.ring)
  })

  it('with the custom domain', async () => {
    const made = await scene()
    const [hostname, service] = ['mdm.example.com', 'edgemdm']
    made.cf.account.domains.push({ id: 'd', hostname, service, zone_id: 'z', zone_name: 'z' })
    expect((await made.move(undefined, CUSTOM)).error).toBe('')
    expect(secretOf(made.worker, 'SEAL_KEYS')).toBe(made.ring)
  })

  it('of the deployment in the folder that has the host', async () => {
    const made = await scene()
    await mkdir(made.folder, { recursive: true })
    await writeFile(join(made.folder, 'deployment.json'), '{"host":"mdm.example.com"}')
    const { error } = await made.move(undefined, CUSTOM)
    expect(error).toContain('the Worker edgemdm does not serve mdm.example.com')
  })

  it('that is named when the address tells none', async () => {
    const { error } = await (await scene()).move(undefined, CUSTOM)
    expect(error).toMatch(/no Worker of the account .* has the address mdm\.example\.com: .*--name/)
  })
})

it.each([
  ['without the right to look', 'GET', /scripts\/edgemdm\/settings$/],
  ['without the right to set secrets', 'PATCH', /secrets-bulk$/],
])('a login %s is told the right that it lacks', async (_, method, path) => {
  const made = await scene()
  made.cf.fail({
    method,
    path,
    status: 403,
    code: 10_000,
    message: 'Authentication error',
    times: 9,
  })
  const { stderr } = await toSecretsProcess(made).then(
    () => ({ stderr: '' }),
    (error: { stderr: string }) => error,
  )
  expect(stderr).toMatch(/^keys: .*Workers Scripts Edit/m)
  expect(made.server.held).toBe(made.ring)
})

describe('nothing is set', () => {
  async function expectRefused(made: ClaimedScene, words: RegExp, name?: string): Promise<void> {
    const { error } = await made.move(name)
    expect(error).toMatch(words)
    expect(changesIn(made.cf)).toEqual([])
    expect(made.server).toMatchObject({ held: made.ring, reveals: 0 })
  }

  it('for a server whose keys are secrets', async () => {
    const made = await scene({ API_KEY: 'mine', SEAL_KEYS: newSealKey('k1') }, '')
    await expectRefused(made, /no seal key of this server lies in Control: .* nothing to move/)
  })

  it('at a Worker that serves another address', async () => {
    const made = await scene()
    addServer(made.cf, 'other')
    const words = /Worker other does not serve edgemdm\.example.*its Worker is edgemdm, so leave/
    await expectRefused(made, words, 'other')
    expect(secretOf(made.cf.account.workers.get('other'), 'SEAL_KEYS')).toBe('')
  })

  it('at a Worker that is not there, which wrangler would make', async () => {
    await expectRefused(await scene(), /has no Worker nothing: name the right one/, 'nothing')
  })

  it('with a file that keeps the keys of another server', async () => {
    const made = await scene()
    await keep(made, { API_KEY: 'other', SEAL_KEYS: newSealKey('k1') })
    await expectRefused(made, /which this server does not have: .*--name/)
  })
})
