import { describe, expect, it } from 'vitest'
import type { DeployedWorker, Survey } from '../../../../src/cli/deploy/cloudflare/survey.ts'
import { NOTHING_FOUND } from '../../../../src/cli/deploy/cloudflare/survey.ts'
import { publicAddress, type PlanFacts } from '../../../../src/cli/deploy/plan/facts.ts'
import { doesChange, planDeploy } from '../../../../src/cli/deploy/plan/plan.ts'
import { refuseForeign } from '../../../../src/cli/deploy/plan/refuse.ts'

const NAMES = { worker: 'edgemdm', database: 'edgemdm', queue: 'edgemdm-events' }
const KNOWN = { API_KEY: 'key', SEAL_KEYS: 'k1:x' }
const ADDRESS = 'https://edgemdm.example.workers.dev'
const DEVICE = { type: 'durable_object_namespace', name: 'DEVICE', class_name: 'Device' }

const worker: DeployedWorker = {
  bindings: [DEVICE, { type: 'd1', name: 'DB', id: 'd1-id' }],
  versionId: 'v1',
  deployedAt: 0,
  workersDev: true,
}
const QUEUE = { id: 'q', isRead: true, readers: [], writers: [], stale: [] }
const there: Survey = {
  ...NOTHING_FOUND,
  subdomain: 'example',
  worker,
  database: { id: 'd1-id', migrations: ['0000.sql'], boundBy: [] },
  queue: QUEUE,
}
const SECRETS = { known: KNOWN, upload: {}, keep: false, from: 'kept' as const, waits: false }
const FACTS: PlanFacts = {
  names: NAMES,
  deployment: { authority: true, deployed: { digest: 'a', config: {}, versionId: 'v1' } },
  survey: there,
  config: {},
  hosts: [],
  secrets: SECRETS,
  printed: undefined,
  examines: false,
  secretsFile: 'secrets.json',
  code: { digest: 'a', commits: undefined },
  migrations: ['0000.sql'],
  newPush: false,
}
const plan = (facts: Partial<PlanFacts> = {}) => planDeploy({ ...FACTS, ...facts }, ADDRESS)
const changes = (facts: Partial<PlanFacts>) =>
  plan(facts).items.flatMap(({ what, change, detail }) =>
    change === 'unchanged' ? [] : [`${what} ${change}: ${detail}`],
  )

describe('a plan', () => {
  it('has no step where nothing differs', () => {
    expect(plan().steps).toEqual([])
    expect(changes({})).toEqual([])
  })

  it('migrates after the first deploy, and before every later one', () => {
    const secrets = { ...SECRETS, upload: KNOWN, keep: true, from: 'made' as const }
    const first = { deployment: {}, survey: { ...NOTHING_FOUND, subdomain: 'example' }, secrets }
    expect(plan(first).steps).toEqual(['keep', 'deploy', 'migrate', 'answer', 'authority'])
    const later = { migrations: ['0000.sql', '0001.sql'], code: { digest: 'b', commits: 2 } }
    expect(plan(later).steps).toEqual(['migrate', 'deploy', 'answer'])
    expect(changes(later)).toEqual(['code changed: 2 commits newer', 'migrations new: 1'])
  })

  it('deploys when another version serves than the one that was deployed from here', () => {
    const survey = { ...there, worker: { ...worker, versionId: 'v2' } }
    expect(plan({ survey }).steps).toEqual(['deploy', 'answer'])
    expect(changes({ survey })[0]).toMatch(/^code changed: .* over a deployment/)
  })

  it('ends with the checks of the doctor, also where nothing differs, before another address is closed', () => {
    expect(plan({ examines: true }).steps).toEqual(['doctor'])
    expect([{ examines: true }, { newPush: true }].map((facts) => doesChange(plan(facts)))).toEqual(
      [false, true],
    )
    const config = { workers_dev: true }
    const deployed = { digest: 'a', config, versionId: 'v1' }
    const deployment = { authority: true, beganWithHost: true, deployed }
    expect(plan({ config, deployment, examines: true }).steps).toEqual([
      'answer',
      'doctor',
      'close',
    ])
  })

  it('gives a queue its reader back, by the deploy or without one', () => {
    const stale = [{ id: 'c', worker: 'old' }]
    const none = { ...there, queue: { ...QUEUE, isRead: false } }
    const gone = { ...there, queue: { ...QUEUE, isRead: false, stale } }
    expect(plan({ survey: none }).steps).toEqual(['consume'])
    expect(plan({ survey: gone }).steps).toEqual(['free', 'consume'])
    expect(plan({ survey: gone, newPush: true }).steps).toEqual([
      'push',
      'free',
      'deploy',
      'answer',
    ])
    expect(changes({ survey: none })).toEqual([
      'queue changed: edgemdm-events: no Worker reads from it',
    ])
    expect(changes({ survey: gone })[0]).toContain('the Worker old, which is gone, reads from it')
  })

  it('uploads a push certificate before the deploy that binds it', () => {
    expect(plan({ newPush: true }).steps).toEqual(['push', 'deploy', 'answer'])
  })

  it('says where the secrets come from', () => {
    const upload = { SETUP_CODE: 'x' }
    const of = (from: 'kept' | 'given' | 'environment') =>
      changes({ secrets: { ...SECRETS, upload, from } })
    expect(of('environment')).toEqual(['secrets new: SETUP_CODE: set from the environment'])
    expect(of('kept')).toEqual(['secrets new: SETUP_CODE: set from secrets.json'])
    expect(of('given')[0]).toContain('--secrets')
  })

  it('closes workers.dev only where no device can know it', () => {
    const config = { workers_dev: true, routes: ['r'] }
    const deployed = { digest: 'a', config, versionId: 'v1' }
    const deployment = { authority: true, deployed }
    const hosts = ['mdm.example.com']
    expect(plan({ config, hosts, deployment }).steps).toEqual([])
    expect(plan({ config, hosts, deployment }).remarks.join()).toContain(
      'workers.dev continues to answer',
    )
    const began = { ...deployment, beganWithHost: true }
    expect(plan({ config, hosts, deployment: began }).steps).toEqual(['answer', 'close'])
  })

  it('says when Cloudflare will not roll back', () => {
    const config = {
      exports: { New: { type: 'durable-object' as const, storage: 'sqlite' as const } },
    }
    expect(plan({ config }).remarks.join()).toContain('rolls no version back')
    expect(plan().remarks.join()).not.toContain('rolls no version back')
  })
})

describe('the address', () => {
  it('is that of the settings, else that of the dashboard, else one at workers.dev', () => {
    const bindings = [{ type: 'plain_text', name: 'PUBLIC_URL', text: 'https://dash.example.com' }]
    const survey = { ...there, worker: { ...worker, bindings } }
    const config = { vars: { PUBLIC_URL: 'https://mdm.example.com/' } }
    expect(publicAddress({ ...FACTS, survey, config })).toBe('https://mdm.example.com')
    expect(publicAddress({ ...FACTS, survey })).toBe('https://dash.example.com')
    expect(publicAddress(FACTS)).toBe(ADDRESS)
    expect(() => publicAddress({ ...FACTS, survey: NOTHING_FOUND })).toThrow(
      expect.objectContaining({ exit: 2 }),
    )
  })
})

describe('a deployment', () => {
  const refuse = (survey: Partial<Survey>) => () =>
    refuseForeign({ names: NAMES, hosts: [], survey: { ...there, ...survey } })

  it('is not made over another application', () => {
    expect(refuse({})).not.toThrow()
    expect(refuse({ worker: { ...worker, bindings: [] }, database: undefined })).not.toThrow()
    const secret = { type: 'secret_text', name: 'API_KEY' }
    expect(refuse({ worker: { ...worker, bindings: [secret] } })).not.toThrow()
    const foreign = { ...DEVICE, class_name: 'Gadget' }
    expect(refuse({ worker: { ...worker, bindings: [secret, foreign] } })).toThrow(
      expect.objectContaining({ exit: 3 }),
    )
  })
})
