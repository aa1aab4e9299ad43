import { encodeBase64 } from '../../src/plist/base64.ts'
import { bucket, MANIFEST } from './repo-tools.ts'
import { api, BASIC, enrolled, serve } from './server.ts'

let count = 0

/** A name that no other test has. */
export const newBlueprintName = (): string => `Blueprint ${++count}`

/** Stores a profile, in place of one with its id. @returns its id */
export async function storeProfile(id = `com.example.p${++count}`, text = ''): Promise<string> {
  const plist = `<plist version="1.0"><dict><key>PayloadIdentifier</key><string>${id}</string>${text}</dict></plist>`
  const mobileconfig = encodeBase64(new TextEncoder().encode(plist))
  await api('PUT', `/api/profiles/${id}`, { mobileconfig })
  return id
}

/** Sends a body as mdmctl does: in chunks, without a content type. */
export async function mdmctl(
  method: string,
  path: string,
  ...chunks: readonly string[]
): Promise<{ status: number; body: Record<string, unknown>; warnings: string | null }> {
  const response = await serve(path, {
    method,
    headers: { authorization: BASIC },
    body: new ReadableStream({
      start(controller) {
        for (const chunk of chunks) {
          controller.enqueue(new TextEncoder().encode(chunk))
        }
        controller.close()
      },
    }),
  })
  const body: Record<string, unknown> = await response.json()
  return { status: response.status, body, warnings: response.headers.get('warning') }
}

/** Stores a blueprint under a new id. @returns its id */
export async function storeBlueprint(parts: object): Promise<string> {
  const id = crypto.randomUUID()
  const body = { name: newBlueprintName(), steps: [], ...parts }
  const { status } = await api('PUT', `/api/blueprints/${id}`, body)
  if (status !== 201) {
    throw new Error(`the blueprint was not stored: ${status}`)
  }
  return id
}

/** Removes all blueprints: each device gets all that match. */
export async function noBlueprints(): Promise<void> {
  const { body } = await api<{ items: { id: string }[] }>('GET', '/api/blueprints')
  for (const { id } of body.items) {
    await api('DELETE', `/api/blueprints/${id}`)
  }
}

/** What the examples of the API name. */
async function example() {
  await noBlueprints()
  await storeProfile('com.example.trust')
  await bucket.put('agent.plist', MANIFEST)
  const user = { short_name: 'itadmin', generate_password: true }
  await api('PUT', '/api/setup-users/admin', user)
  const steps = [{ do: 'profile', id: 'com.example.trust' }]
  return { ids: { id: await storeBlueprint({ name: 'All devices', steps }) } }
}

async function exampleUser() {
  await example()
  return { ids: { id: 'admin' } }
}

/** What the operations of blueprints need before a test sends their examples. */
export const BLUEPRINTS = {
  listBlueprints: example,
  getBlueprint: example,
  putBlueprint: async () => {
    await example()
    await noBlueprints()
    return { ids: { id: crypto.randomUUID() } }
  },
  deleteBlueprint: example,
  previewBlueprints: async () => {
    await example()
    await enrolled()
    return {}
  },
  listSetupUsers: exampleUser,
  getSetupUser: exampleUser,
  putSetupUser: exampleUser,
  deleteSetupUser: async () => {
    const { ids } = await exampleUser()
    return { ids }
  },
}
