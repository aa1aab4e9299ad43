import { runDurableObjectAlarm } from 'cloudflare:test'
import { expect } from 'vitest'
import { api, env, serve, until } from './server.ts'

export interface JobBody {
  id: string
  state: string
  reason: string | null
  command: { request_type: string; command_uuid: string }
  total: number
  done: number
  failed: number
  waiting: number
  answers: { answered: number; failed: number }
}
interface OutcomeBody {
  id: string
  state: string
  command_id: string | null
  released: number | null
  error: string | null
}
export interface BulkBody extends JobBody {
  outcomes: OutcomeBody[] | null
  detail?: string
}

export const ORDER = { request_type: 'ProfileList' }
export const newIds = (count: number): string[] => {
  const batch = crypto.randomUUID()
  return Array.from({ length: count }, (_, n) => `${batch}-${n}`)
}
export const confirm = (request_type: string, count: number) => ({
  confirm: { request_type, count },
})
export const bulk = (body: object) => api<BulkBody>('POST', '/api/commands', body)

export async function withKey(key: string, body: object, path = '/api/commands') {
  const response = await serve(path, {
    method: 'POST',
    headers: { authorization: `Basic ${btoa('micromdm:test-key')}`, 'idempotency-key': key },
    body: JSON.stringify(body),
  })
  return { status: response.status, body: await response.json<BulkBody>() }
}

export const jobOf = async (id: string) => (await api<JobBody>('GET', `/api/jobs/${id}`)).body
export const objectOf = (id: string) => env.JOB.getByName(id)

/** Rings a job's alarm: a batch is done. */
export async function ring(id: string): Promise<JobBody> {
  expect(await runDurableObjectAlarm(objectOf(id))).toBe(true)
  return jobOf(id)
}

/** Rings a job's alarm until the job has ended. */
export const ended = (id: string) =>
  until(
    () => ring(id),
    ({ state }) => state !== 'running',
  )

export async function outcomesOf(id: string, query = ''): Promise<OutcomeBody[]> {
  const all: OutcomeBody[] = []
  let cursor: string | null = ''
  while (cursor !== null) {
    const page: { body: { items: OutcomeBody[]; next: string | null } } = await api(
      'GET',
      `/api/jobs/${id}/outcomes?limit=400${query}${cursor && `&cursor=${cursor}`}`,
    )
    all.push(...page.body.items)
    cursor = page.body.next
  }
  return all
}

export async function queued(id: string): Promise<string[]> {
  const { body } = await api<{ commands?: { uuid: string }[] }>('GET', `/v1/commands/${id}`)
  return (body.commands ?? []).map(({ uuid }) => uuid)
}
