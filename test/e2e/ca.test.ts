import { execFile } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { createPublicKey, generateKeyPairSync } from 'node:crypto'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { issueCertificate, pem } from '../../src/pki/x509/issue.ts'
import { readCertificate } from '../../src/pki/x509/certificate.ts'
import { enrolByScep } from '../../src/simulator/device/scep.ts'
import { fetchAlone, newState, PROJECT, type RunningServer, start } from './server.ts'

const SUBJECT = [['CN', 'Mac']] as const
const run = promisify(execFile)

let server: RunningServer
beforeAll(async () => {
  server = await start(await newState(), [])
})
afterAll(() => server.stop())

/** `npm run ca` against the server. */
async function ca(...args: string[]): Promise<string> {
  const apiKey = (await readFile(join(server.state, 'api-key'), 'utf8')).trim()
  const all = ['src/cli/ca.ts', ...args, '--server', server.url]
  const { stdout } = await run(process.execPath, all, {
    cwd: PROJECT,
    env: { ...process.env, API_KEY: apiKey },
  })
  return stdout
}

const enrol = (challenge: string) =>
  enrolByScep({ fetch: fetchAlone, url: `${server.url}/scep`, subject: SUBJECT, challenge })

it('npm start makes a CA, and npm run ca imports MicroMDM’s and makes the next one', async () => {
  expect(await ca('list')).toMatch(/^issues {4}[0-9a-f]{16} {2}until 20\d\d-/)
  const { body } = await server.api<{ string: string }>('POST', '/v1/challenge')
  const identity = await enrol(body.string)
  expect(readCertificate(identity.certificate).commonName).toBe('MDM Identity (Mac)')

  const depot = await micromdmDepot(server.state)
  const imported = await ca(
    'import',
    '--cert',
    depot.cert,
    '--key',
    depot.key,
    '--next-serial',
    '7',
  )
  expect(imported.split('\n')[0]).toMatch(/^issues .*OU=MICROMDM SCEP CA {2}\(imported\)$/)
  const moved = readCertificate((await enrol('micromdm')).certificate)
  expect(moved.serial).toBe('07')

  await server.stop()
  server = await start(server.state, [])
  expect((await ca('list')).trim().split('\n')).toHaveLength(2)
  expect((await ca('create')).split('\n').map((line) => line.slice(0, 8))).toEqual([
    'issues  ',
    'accepted',
    'accepted',
    '',
  ])
  const oldest = (await ca('list')).trim().split('\n')[2]?.split(/ +/)[1] ?? ''
  expect((await ca('remove', oldest)).trim().split('\n')).toHaveLength(2)
})

it('npm run ca reports each fault in one line', async () => {
  const failure = await ca('import', '--cert', 'nowhere.pem').catch(String)
  expect(failure).toMatch(/ca: --cert nowhere.pem: ENOENT/)
  expect(await ca('frobnicate').catch(String)).toMatch(/ca: there is no command frobnicate/)
})

/** CA and key as they come out of MicroMDM's database, the key as PKCS#1. */
async function micromdmDepot(directory: string): Promise<{ cert: string; key: string }> {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const der = issueCertificate({
    subject: [
      ['C', 'US'],
      ['O', 'MicroMDM'],
      ['OU', 'MICROMDM SCEP CA'],
    ],
    publicKey: createPublicKey(privateKey),
    signingKey: privateKey,
    serial: Uint8Array.of(1),
    notBefore: Date.now() - 1000,
    notAfter: Date.now() + 1e11,
    ca: true,
    keyUsage: ['digitalSignature', 'keyCertSign'],
  })
  const cert = join(directory, 'depot.pem')
  const key = join(directory, 'depot.key')
  await writeFile(cert, pem('CERTIFICATE', der))
  await writeFile(key, privateKey.export({ type: 'pkcs1', format: 'pem' }))
  return { cert, key }
}
