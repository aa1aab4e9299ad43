/** The file repository, and the form by which MicroMDM's client uploads an app. */
import { createExecutionContext } from 'cloudflare:test'
import worker from '../../src/index.ts'
import type { Env } from '../../src/env.ts'
import { writePlistText } from '../../src/plist/write.ts'
import { BASIC, env, serve } from './server.ts'

export const bucket = (env as unknown as { readonly REPO: R2Bucket }).REPO

/** A part of R2's own uploads. */
export const MIB = 1024 * 1024

/** A name that no other test uses. */
export const newFileName = (end = 'pkg'): string => `f-${crypto.randomUUID()}.${end}`

/** Bytes that differ from place to place, and repeat from time to time. */
export function pattern(length: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(length).map((_, at) => (at * 31 + (at >> 12)) % 253)
}

/** A body without a length, which arrives in pieces. */
export function streamed(
  bytes: Uint8Array<ArrayBuffer>,
  breaksOff = false,
): ReadableStream<Uint8Array> {
  let at = 0
  return new ReadableStream({
    type: 'bytes',
    pull(controller) {
      if (at >= bytes.length) {
        if (breaksOff) {
          controller.error(new Error('the client is gone'))
        } else {
          controller.close()
        }
        return
      }
      controller.enqueue(bytes.slice(at, at + 200_000))
      at += 200_000
    },
  })
}

/** A request that reaches the Worker as it is, with the vars of another deployment. */
export function reach(
  path: string,
  init: Omit<RequestInit, 'headers'> & { readonly headers?: Record<string, string> } = {},
  vars: Record<string, unknown> = {},
): Promise<Response> {
  const request = new Request(`http://mdm.test${path}`, {
    ...init,
    headers: { authorization: BASIC, ...init.headers },
  })
  const its = { ...env, ...vars } as unknown as Env
  return worker.fetch(request, its, createExecutionContext()) as Promise<Response>
}

export function putFile(name: string, body: BodyInit): Promise<Response> {
  const path = `/api/repo/${encodeURIComponent(name)}`
  return serve(path, { method: 'PUT', headers: { authorization: BASIC }, body })
}

/** The bytes of an object in the bucket. */
export async function stored(name: string): Promise<Uint8Array | undefined> {
  const object = await bucket.get(name)
  return object ? new Uint8Array(await object.arrayBuffer()) : undefined
}

/** The text of a file, as a device fetches it. Its type is that of no text. */
export async function textAt(path: string): Promise<string> {
  return new TextDecoder().decode(await (await serve(path)).arrayBuffer())
}

export interface FormField {
  readonly name: string
  /** Of a file. */
  readonly filename?: string
  readonly content: string | Uint8Array<ArrayBuffer>
}

export const FORM_TYPE = 'multipart/form-data; boundary=c1d1f8a7b3e04f4f9d1f8a7b3e04f4f9d1f8a7b3'
const [, BOUNDARY = ''] = FORM_TYPE.split('boundary=')

/** A form as Go's `mime/multipart` writes it. */
export function formOf(...fields: readonly FormField[]): Uint8Array<ArrayBuffer> {
  const parts = fields.flatMap(({ name, filename, content }, at) => [
    `${at === 0 ? '' : '\r\n'}--${BOUNDARY}\r\nContent-Disposition: form-data; name="${name}"`,
    filename === undefined
      ? ''
      : `; filename="${filename}"\r\nContent-Type: application/octet-stream`,
    '\r\n\r\n',
    content,
  ])
  const bytes = [...parts, `\r\n--${BOUNDARY}--\r\n`].map((part) =>
    typeof part === 'string' ? new TextEncoder().encode(part) : part,
  )
  return Uint8Array.from(Buffer.concat(bytes))
}

/** `mdmctl apply app -upload`: the names follow the bytes (github.com/micromdm/micromdm,
 * platform/appstore/upload_app.go). */
export function appForm(
  name: string,
  content: FormField['content'],
  manifest: string,
): Uint8Array<ArrayBuffer> {
  const plist = name.replace('.pkg', '.plist')
  return formOf(
    { name: 'app_manifest_filedata', filename: plist, content: manifest },
    { name: 'app_manifest_filename', content: plist },
    { name: 'pkg_filedata', filename: name, content },
    { name: 'pkg_name', content: name },
  )
}

/** Sends a form in chunks, as mdmctl does. */
export async function sendForm(
  form: Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array>,
  type = FORM_TYPE,
): Promise<{ status: number; body: Record<string, unknown> }> {
  const response = await reach('/v1/apps', {
    method: 'PUT',
    headers: { 'content-type': type },
    body: form instanceof Uint8Array ? streamed(form) : form,
  })
  return { status: response.status, body: await response.json() }
}

/** A manifest as mdmctl writes it. */
export const MANIFEST = writePlistText({
  items: [{ assets: [{ kind: 'software-package', url: 'https://mdm.example.com/repo/a.pkg' }] }],
})

/** What OpenAPI's examples speak of. */
async function storedPackage() {
  await putFile('agent.pkg', 'xar!')
  return { ids: { id: 'agent.pkg' } }
}

export const REPOSITORY = {
  listRepositoryFiles: storedPackage,
  getRepositoryFile: storedPackage,
  storeRepositoryFile: storedPackage,
  deleteRepositoryFile: storedPackage,
  getRepositoryLink: storedPackage,
  makeManifest: storedPackage,
}
