import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, describe, expect, onTestFinished, test } from 'vitest'
import { complaintOf, hindranceOf } from '../../../src/cli/error.ts'
import { lockState, waitForEnd } from '../../../src/cli/lock.ts'
import { readOptions } from '../../../src/cli/options.ts'
import { claimPort } from '../../../src/cli/start/port.ts'
import { pushIdentity, readDeviceCA, workerBindings } from '../../../src/cli/settings.ts'
import {
  makeStateDirectory,
  openState,
  simulatedPushCertificate,
  type State,
} from '../../../src/cli/state.ts'
import { writeWhole } from '../../../src/cli/write-whole.ts'
import { pushCertificate } from '../../e2e/apns.ts'
import { PATIENCE } from '../../patience.ts'

const NOW = Date.now()
const root = mkdtempSync(join(tmpdir(), 'edgemdm-'))
const directory = makeStateDirectory(join(root, 'state'))
const state: State = openState(directory, NOW)
const push = pushIdentity(state.simulatedPush, NOW)

afterAll(() => rmSync(root, { recursive: true }))

function bindings(args: string[] = [], env: Record<string, string> = {}): Record<string, string> {
  const facts = { url: 'http://127.0.0.1:1', push, deviceCAs: ['EXTRA'] }
  return workerBindings(readOptions(args), state, env, facts)
}

test('the first start makes keys that only their owner may read, and later starts keep them', () => {
  for (const name of readdirSync(directory)) {
    expect(statSync(join(directory, name)).mode & 0o777).toBe(0o600)
  }
  expect(statSync(directory).mode & 0o777).toBe(0o700)
  expect(Buffer.from(state.sealKeys.split(':')[1] ?? '', 'base64')).toHaveLength(32)
  expect(openState(directory, NOW + 1)).toEqual(state)
})

test('the simulated push certificate passes the checks of a real one', () => {
  expect(push.topic).toMatch(/^com\.apple\.mgmt\.External\./)
  expect(push.fingerprint).toMatch(/^[0-9a-f]{64}$/)
})

test('the Worker is sent to the simulated service of Apple, and trusts its devices beside others', () => {
  const dep = { url: 'http://127.0.0.1:2', deviceCa: 'SIMULATED' }
  const facts = { url: 'http://127.0.0.1:1', push, deviceCAs: [], dep }
  const options = readOptions(['--dep-simulator'])
  expect(workerBindings(options, state, { APPLE_DEVICE_CA: 'OTHER' }, facts)).toMatchObject({
    DEP_URL: 'http://127.0.0.1:2',
    APPLE_DEVICE_CA: 'OTHER\nSIMULATED',
  })
  expect(bindings()).not.toHaveProperty('DEP_URL')
})

test('a state directory has one owner at a time, and is free when that ends', () => {
  const lock = lockState(directory)
  expect(() => lockState(directory)).toThrow(
    `in use by another running EdgeMDM (process ${process.pid})`,
  )
  lock.release()
  lockState(directory).release()
})

describe('a state directory that cannot be', () => {
  const place = join(root, 'places')
  mkdirSync(place)
  const file = join(place, 'file')
  writeFileSync(file, '')
  symlinkSync(join(place, 'nowhere'), join(place, 'link'))

  test.each([
    [file, 'a file is in the way'],
    [join(file, 'below', 'it'), 'a file is in the way'],
    [join(place, 'link'), 'a file is in the way'],
    [join(place, 'a'.repeat(300)), 'the name is too long'],
    [join(place, 'a/'.repeat(50_000)), 'the name is too long'],
  ])('is refused with advice: %s', (path, reason) => {
    expect(() => makeStateDirectory(path)).toThrow(
      new RegExp(`^cannot use .{1,230} as state directory: ${reason}: .*another with --state$`),
    )
  })

  test('leaves no directories on the way to it', () => {
    expect(readdirSync(place).toSorted()).toEqual(['file', 'link'])
  })

  test('may not be one that other users need, which stays open to them', () => {
    const shared = mkdtempSync(join(root, 'shared-'))
    for (const [path, mode] of [
      [place, 0o755],
      [shared, 0o1777],
    ] as const) {
      chmodSync(path, mode)
      expect(() => makeStateDirectory(path)).toThrow('it is open to other users')
      expect(statSync(path).mode & 0o7777).toBe(mode)
    }
    chmodSync(place, 0o700)
    expect(makeStateDirectory(place)).toBe(place)
  })

  test('is not an empty volume, nor one whose first start was cut short', () => {
    for (const name of ['lost+found', 'api-key.new']) {
      const path = mkdtempSync(join(root, 'volume-'))
      chmodSync(path, 0o755)
      writeFileSync(join(path, name), '')
      expect(makeStateDirectory(path)).toBe(path)
    }
  })

  /** What a program prints that ends by itself. */
  const printed = (program: string, ...args: string[]): string => {
    const script = join(import.meta.dirname, `../../../src/cli/${program}/${program}.ts`)
    const run = spawnSync(process.execPath, [script, ...args], { timeout: PATIENCE })
    expect(run.status).toBe(1)
    return run.stderr.toString()
  }

  test('ends npm start and npm run push-cert with one line', () => {
    const path = makeStateDirectory(join(root, 'no-lock'))
    mkdirSync(join(path, 'lock.sqlite'))
    const pem = join(root, 'push.pem')
    const { certPem, keyPem } = pushCertificate('com.apple.mgmt.External.any', 300)
    writeFileSync(pem, certPem + keyPem)
    const line = /^[a-z-]+: cannot lock \S+lock\.sqlite: [^\n]+\n$/
    expect(printed('start', '--state', path)).toMatch(line)
    expect(printed('push-cert', 'install', '--cert', pem, '--key', pem, '--state', path)).toMatch(
      line,
    )
  })

  test.runIf(existsSync('/proc/self'))('ends npm start at once on a pseudo file system', () => {
    expect(printed('start', '--state', '/proc/edgemdm')).toMatch(
      /^edgemdm: cannot use \/proc\/edgemdm as state directory: its file system takes no directories[^\n]+\n$/,
    )
  })
})

describe('a file that cannot be written', () => {
  const errorOf = (action: () => unknown): unknown => {
    try {
      action()
    } catch (error) {
      return error
    }
    return expect.fail('nothing was thrown')
  }
  const database = (query: string, options = {}) => {
    const opened = new DatabaseSync(join(root, 'some.sqlite'), options)
    try {
      opened.exec(query)
    } finally {
      opened.close()
    }
  }

  test('is reported in plain words for each error of Node and SQLite', () => {
    const full = () => database('PRAGMA max_page_count = 1; CREATE TABLE a (b)')
    expect(hindranceOf(errorOf(full))).toMatch(/^the disk is full/)
    const readOnly = () => database('CREATE TABLE a (b)', { readOnly: true })
    expect(hindranceOf(errorOf(readOnly))).toMatch(/read-only/)
    const nowhere = () => new DatabaseSync(join(root, 'nowhere/some.sqlite'))
    expect(hindranceOf(errorOf(nowhere))).toMatch(/may not write/)
  })

  test.runIf(existsSync('/dev/full'))('is a full disk, which is named in one line', () => {
    const error = errorOf(() => {
      writeFileSync('/dev/full', 'x')
    })
    expect(complaintOf(error)).toBe('the disk is full: free some space')
  })

  test('is not looked for in a name', () => {
    const missing = errorOf(() => readFileSync(join(root, 'ENOSPC: EROFS: disk')))
    expect(complaintOf(missing)).toMatch(/^ENOENT: no such file/)
  })

  test('is not reported as a fault of ours, with a stack', () => {
    const fault = new TypeError('x is not a function')
    expect(complaintOf(fault)).toBe(fault)
  })

  test('leaves the older file, and nothing beside it', () => {
    const file = join(mkdtempSync(join(root, 'whole-')), 'file')
    writeWhole(file, 'old')
    mkdirSync(`${file}.taken`)
    expect(() => writeWhole(`${file}.taken`, 'new')).toThrow('EISDIR')
    expect(readdirSync(join(file, '..')).toSorted()).toEqual(['file', 'file.taken'])
    expect(readFileSync(file, 'utf8')).toBe('old')
    expect(statSync(file).mode & 0o777).toBe(0o600)
  })
})

test('a port in use is refused with its number', async () => {
  const { createServer } = await import('node:net')
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  onTestFinished(() => new Promise((resolve) => server.close(() => resolve())))
  await expect(claimPort('127.0.0.1', port)).rejects.toThrow(`port ${port} of 127.0.0.1 is in use`)
  await expect(claimPort('127.0.0.1', 0)).resolves.toBeGreaterThan(0)
})

test('the Worker gets the generated values by default', () => {
  expect(bindings()).toEqual({
    API_KEY: state.apiKey,
    SEAL_KEYS: state.sealKeys,
    PUBLIC_URL: 'http://127.0.0.1:1',
    WEBHOOK_URL: '',
    DEVICE_CA: 'EXTRA',
    PUSH_CERTIFICATE: push.certificate,
    ALLOW_PRIVATE_WEBHOOKS: 'true',
    ENROLLMENT: 'open',
    JOB_BURST: expect.stringMatching(/^[1-9]\d*$/),
    RESIDENT_OBJECTS: expect.stringMatching(/^[1-9]\d*$/),
  })
})

test('the memory for devices decides how many objects stay loaded, beside those that come and go', () => {
  expect(bindings(['--memory', '20M'])).toMatchObject({
    RESIDENT_OBJECTS: '20',
    JOB_BURST: '30',
  })
  expect(bindings(['--memory', '0M'])).toMatchObject({ RESIDENT_OBJECTS: '1' })
})

test('the environment precedes generated values, and the command line precedes both', () => {
  const env = {
    MICROMDM_API_KEY: 'env key',
    MICROMDM_SERVER_URL: 'https://tunnel.example',
    MICROMDM_WEBHOOK_URL: 'http://env/hook',
    KEEP_RESULTS: 'latest',
    DM: 'http://dm',
    HOME: '/root',
  }
  expect(bindings([], env)).toMatchObject({
    API_KEY: 'env key',
    PUBLIC_URL: 'https://tunnel.example',
    WEBHOOK_URL: 'http://env/hook',
    KEEP_RESULTS: 'latest',
    DM: 'http://dm',
  })
  expect(bindings([], env)).not.toHaveProperty('HOME')
  expect(bindings(['--api-key', 'flag', '--webhook', 'http://flag'], env)).toMatchObject({
    API_KEY: 'flag',
    WEBHOOK_URL: 'http://flag',
  })
})

test.each([
  ['open', [], {}],
  ['open', ['--host', '::1'], { PUBLIC_URL: 'http://localhost:8787' }],
  ['open', ['--host', 'localhost'], { PUBLIC_URL: '', ENROLLMENT: '' }],
  ['open', ['--host', '0.0.0.0'], { ENROLLMENT: 'open' }],
  ['known', [], { ENROLLMENT: 'known' }],
  [undefined, ['--host', '0.0.0.0'], {}],
  [undefined, ['--host', '192.0.2.1'], {}],
  [undefined, ['--host', '127.0.0.1.example.com'], {}],
  [undefined, [], { PUBLIC_URL: 'https://tunnel.example' }],
  [undefined, [], { MICROMDM_SERVER_URL: 'https://localhost.example' }],
  [undefined, [], { ENROLL_TOKEN: 'x' }],
])('enrolment is %s without a choice for %j with %j', (mode, args, env) => {
  expect(bindings(args, env)['ENROLLMENT']).toBe(mode)
})

test('a push key that belongs to another certificate is refused', () => {
  const { key } = simulatedPushCertificate(NOW)
  expect(() => pushIdentity({ ...state.simulatedPush, key }, NOW)).toThrow(
    'the private key does not belong to the push certificate',
  )
})

test('a file of device CAs must be there and hold certificates', () => {
  const file = join(root, 'ca.pem')
  expect(() => readDeviceCA(file)).toThrow('ENOENT')
  writeFileSync(file, 'nothing')
  expect(() => readDeviceCA(file)).toThrow('holds no PEM CERTIFICATE block')
  writeFileSync(file, state.simulatedPush.certificate)
  expect(readDeviceCA(file)).toBe(readFileSync(file, 'utf8'))
})

describe('waiting for the workerd of an earlier run', () => {
  /** A process whose command line ends with these words. */
  function sleeper(...words: string[]): ChildProcess {
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)', ...words])
    onTestFinished(() => void child.kill('SIGKILL'))
    return child
  }

  test('goes on when it has ended', async () => {
    const child = sleeper('workerd')
    const end = waitForEnd(child.pid ?? 0)
    child.kill('SIGKILL')
    await end
    await expect(waitForEnd(child.pid ?? 0, -1)).resolves.toBeUndefined()
  })

  test('names the process that does not end', async () => {
    const { pid = 0 } = sleeper('workerd')
    await expect(waitForEnd(pid, -1)).rejects.toThrow(`does not end: kill -9 ${pid}`)
  })

  test('does not mistake another process that has its number by now', async () => {
    await expect(waitForEnd(sleeper('other').pid ?? 0, -1)).resolves.toBeUndefined()
  })
})
