import { describe, expect, it } from 'vitest'
import { z } from 'zod/v4'
import { deployed } from './deployment.ts'
import { document, PREPARE, type Operation } from './openapi-tools.ts'
import { api, serve } from './server.ts'

/** Whose ids are made by the call, or named in its body. */
const TAKES_ANY_ID = new Set([
  'queueCommand',
  'storeProfile',
  'storeFile',
  'storeRepositoryFile',
  'moveCommands',
  'readEscrow',
  'putDeclaration',
  'putSet',
  'putBlueprint',
  'putSetupUser',
  'putSoftwareUpdate',
  'putDepProfile',
])

/** Whether a schema leads to that of a name, through others. */
function isIn(schema: object, name: string, seen = new Set<string>()): boolean {
  return [...JSON.stringify(schema).matchAll(/"#\/components\/schemas\/(\w+)"/g)].some(
    ([, found = '']) =>
      found === name ||
      (!seen.has(found) &&
        isIn(document.components.schemas[found] ?? {}, name, new Set([...seen, found]))),
  )
}

interface Example {
  name: string
  operation: Operation
  method: string
  path: string
  body: unknown
}

const examples: Example[] = Object.entries(document.paths).flatMap(([path, item]) =>
  Object.entries(item).flatMap(([method, operation]) => {
    const [media] = Object.values(operation.requestBody?.content ?? {})
    const bodies = media ? Object.entries(media.examples ?? {}) : [['', { value: undefined }]]
    return bodies.map(([name, shown]) => ({
      name: `${operation.operationId} ${name as string}`.trim(),
      operation,
      method: method.toUpperCase(),
      path,
      body: (shown as { value: unknown }).value,
    }))
  }),
)

/** A schema whose further properties are faults. */
const closed = (schema: object) =>
  JSON.parse(
    JSON.stringify(schema).replaceAll('#/components/schemas/', '#/$defs/'),
    (_, found: unknown) =>
      typeof found === 'object' && found !== null && 'properties' in found
        ? { additionalProperties: false, ...found }
        : found,
  )
const $defs = closed(document.components.schemas)

/** The schema of an answer as the document tells it; properties that it does not tell of are faults. */
function check(schema: object, value: unknown): void {
  const read = z.fromJSONSchema({ $defs, ...closed(schema) })
  expect(read.safeParse(value)).toMatchObject({ success: true })
}

/** They describe keys, as JSON Schema does: what does not apply is left out. */
const FORMS = new Set(['CommandKey', 'KeyAvailability', 'CommandAvailability'])

const sendAsIs = deployed({})

describe('the document of the API', () => {
  it('is OpenAPI 3.1, and every operation has an id, a summary, an example body and a way to be tested', () => {
    expect(document.openapi).toBe('3.1.0')
    const operations = Object.values(document.paths).flatMap((item) => Object.values(item))
    expect(operations.map(({ operationId }) => operationId).toSorted()).toEqual(
      Object.keys(PREPARE).toSorted(),
    )
    expect(operations).toHaveLength(new Set(operations.map((one) => one.operationId)).size)
    for (const { requestBody, ...operation } of operations) {
      expect(operation).toMatchObject({ summary: expect.any(String), tags: [expect.any(String)] })
      if (requestBody) {
        const [media] = Object.values(requestBody.content)
        expect(media?.examples).toBeDefined()
      }
    }
  })

  it.each(examples)(
    'matches the answer to its example $name',
    async ({ operation, method, path, body }) => {
      const prepared = (await PREPARE[operation.operationId]?.()) ?? {}
      const { ids = {}, send = sendAsIs } = prepared
      if (prepared.body) {
        expect(Object.keys(prepared.body)).toEqual(Object.keys(Object(body)))
      }
      const query = new URLSearchParams()
      let target = path
      for (const { name, in: where, schema } of operation.parameters ?? []) {
        const value = ids[name] ?? schema.example
        if (where === 'path') {
          target = target.replace(`{${name}}`, encodeURIComponent(String(value)))
        } else if (where === 'query' && value !== undefined) {
          query.set(name, String(value))
        }
      }
      const response = await send(method, `${target}?${query.toString()}`, prepared.body ?? body)
      const declared = operation.responses[response.status]
      expect(response.status, await response.clone().text()).toBeLessThan(300)
      expect(declared, `status ${response.status} is not declared`).toBeDefined()
      const media = declared?.content?.['application/json']
      if (media) {
        check(media.schema, media.example)
        check(media.schema, await response.json())
      }
    },
  )

  it('has each property in each answer, and one form for lists', () => {
    const answers = Object.values(document.paths)
      .flatMap((item) => Object.values(item))
      .flatMap(({ operationId, responses }) =>
        Object.entries(responses).flatMap(([status, { content }]) => {
          const schema = content?.['application/json']?.schema
          return schema && status < '300' ? [{ operationId, schema }] : []
        }),
      )
    const shapes = [
      ...answers.map(({ schema }) => schema),
      ...Object.entries(document.components.schemas)
        .filter(([name]) => answers.some(({ schema }) => isIn(schema, name)))
        .filter(([name]) => !FORMS.has(name))
        .map(([, schema]) => schema),
    ]
    for (const schema of shapes) {
      JSON.stringify(schema, (_, found: { properties?: object; required?: string[] }) => {
        if (found?.properties) {
          expect(Object.keys(found.properties)).toEqual(found.required)
        }
        return found
      })
    }
    const lists = answers.filter(({ operationId }) => operationId.startsWith('list'))
    expect(lists.length).toBeGreaterThan(15)
    for (const { schema } of lists) {
      const name = String(Object(schema).$ref).replace('#/components/schemas/', '')
      const list = document.components.schemas[name]
      expect(Object.keys(Object(list).properties)).toEqual(['items', 'next', 'total'])
    }
  })

  it.each(
    examples.filter(
      ({ path, operation }) => /\{/.test(path) && !TAKES_ANY_ID.has(operation.operationId),
    ),
  )(
    'answers 404 with a code to $name of an id that is not known',
    async ({ method, path, body }) => {
      const target = path.replaceAll(/\{\w+\}/g, crypto.randomUUID())
      const { status, body: problem } = await api(method, target, body)
      expect([status, problem['code']]).toEqual([404, expect.stringMatching(/_not_found$/)])
    },
  )

  it('has problem documents for each operation, and the address of the deployment', async () => {
    const { body: wrong } = await api('GET', '/api/jobs?limit=none')
    expect(document.components.schemas['Problem']).toBeDefined()
    const errors = document.components.responses
    for (const { content } of Object.values(errors)) {
      check(content?.['application/problem+json']?.schema ?? { not: {} }, wrong)
    }
    for (const { responses } of Object.values(document.paths).flatMap(Object.values<Operation>)) {
      const statuses = ['400', '401', '403', '413', '429', '500', '503']
      expect(Object.keys(responses)).toEqual(expect.arrayContaining(statuses))
    }
    expect(document.servers).toEqual([{ url: '/' }])
    const told = await deployed({ PUBLIC_URL: 'https://mdm.example.com/' })(
      'GET',
      '/api/openapi.json',
    )
    expect(await told.json()).toMatchObject({ servers: [{ url: 'https://mdm.example.com' }] })
  })

  it('is also a page that loads nothing from elsewhere', async () => {
    const response = await serve('/api/docs')
    expect(response.headers.get('content-security-policy')).toContain("default-src 'none'")
    const page = await response.text()
    expect(page).not.toMatch(/<(link|img|iframe|object|embed)\b|<[^>]* src=|@import|url\(/)
    // Code in descriptions is marked up; in a schema's JSON it stays as the document has it.
    expect(page.replaceAll(/<pre>.*?<\/pre>/gs, '')).not.toContain('`')
    expect(page).toContain('<code>&quot;replay&quot;: true</code>')
    for (const { operation } of examples) {
      expect(page).toContain(`id="${operation.operationId}"`)
    }
  })
})
