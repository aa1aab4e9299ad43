import { randomBytes } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import { z } from 'zod/v4'
import { callDep } from '../../src/dep/client.ts'
import { createDepKey } from '../../src/dep/exchange-key.ts'
import type { DepToken } from '../../src/dep/records.ts'
import { openTokenFile, readTokenFile } from '../../src/dep/token-file.ts'
import { pem } from '../../src/pki/x509/issue.ts'
import { createSimulatedDep } from '../../src/simulator/dep/dep.ts'
import { listenDep } from '../../src/simulator/dep/portal/listen.ts'
import { writeMicroMdm } from '../unit/migration/micromdm-file.ts'
import { runMove } from './move-tools.ts'
import { newState, start } from './server.ts'

const closing: (() => unknown)[] = []

afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) {
    await close()
  }
})

/** The content of a token of the simulated service, for a new key pair. */
async function tokenFrom(url: string) {
  const { certificate, privateKey } = createDepKey(Date.now())
  const body = pem('CERTIFICATE', certificate)
  await fetch(`${url}/portal/certificate`, { method: 'PUT', body })
  const file = readTokenFile(await (await fetch(`${url}/portal/token`)).bytes())
  const content = file.ok ? openTokenFile(file, certificate, privateKey) : file
  if (!content.ok) {
    throw new Error(content.error)
  }
  const key = privateKey.export({ type: 'pkcs1', format: 'der' })
  return { token: content.token, json: content.json, pair: { certificate, key } }
}

/** Defines a profile as the other server does. @returns its uuid */
async function defined(base: string, token: DepToken): Promise<string> {
  const profile = { profile_name: 'Staff', url: 'https://mdm.example.com/mdm/enroll' }
  const port = { base, fetch, now: Date.now, random: randomBytes }
  const call = { method: 'POST', path: '/profile', body: profile } as const
  const answer = await callDep(port, token, { session: undefined }, call)
  const json = answer.kind === 'ok' ? answer.json : undefined
  return z.object({ profile_uuid: z.string() }).parse(json).profile_uuid
}

interface Account {
  readonly id: string
  readonly assigns: string
  readonly devices: { readonly total: number; readonly assigned: number }
}

it('enrolment moves from MicroMDM: Apple’s devices are listed, and assigned after the confirmation', async () => {
  const apple = await listenDep(createSimulatedDep())
  closing.push(apple.close)
  const { token, json, pair } = await tokenFrom(apple.url)
  const device = JSON.stringify({ serial_number: 'C02SIM000001', model: 'MacBook Pro' })
  await fetch(`${apple.url}/portal/devices`, { method: 'POST', body: device })

  const state = await newState()
  const server = await start(state, [], undefined, { DEP_URL: apple.url })
  closing.push(() => server.stop())
  const copy = writeMicroMdm({
    blueprints: [{ name: 'staff', manifests: ['https://mdm.example.com/repo/agent.plist'] }],
    depTokens: { [token.consumerKey]: JSON.stringify(json) },
    autoAssigners: { '*': await defined(apple.url, token) },
    raw: { 'mdm.DEPToken': pair },
  })
  const filerepo = join(state, 'filerepo')
  mkdirSync(filerepo)
  writeFileSync(join(filerepo, 'agent.plist'), '<plist/>')
  const file = join(state, 'micromdm.db')
  writeFileSync(file, copy)
  const moved = await runMove(server, file, '--filerepo', filerepo, '--yes').ended
  expect(moved.output).toContain('Files of the repository: 1 sent, 0 there already.')
  expect(moved.output).toContain('1 blueprint taken up')
  expect(moved.output).toContain('POST /api/dep/accounts/ID/confirm')

  const { body } = await server.api<{ items: Account[] }>('GET', '/api/dep/accounts')
  const path = `/api/dep/accounts/${body.items[0]?.id}`
  const account = async () => (await server.api<Account>('GET', path)).body
  const total = async () => (await account()).devices.total
  await expect.poll(total, { timeout: 20_000 }).toBe(1)
  const rules = await server.api('GET', `${path}/rules`)
  expect(rules.body).toMatchObject({ preview: { assign: 1, foreign: 0 } })
  expect(await account()).toMatchObject({ assigns: 'nothing', devices: { assigned: 0 } })
  await server.api('POST', `${path}/confirm`)
  const assigned = async () => (await account()).devices.assigned
  await expect.poll(assigned, { timeout: 20_000 }).toBe(1)
  expect(await (await fetch(`${server.url}/repo/agent.plist`)).text()).toBe('<plist/>')
})
