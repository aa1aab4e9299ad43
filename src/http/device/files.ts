import type { Context } from 'hono'
import { clock } from '../../clock.ts'
import { FILES_PATH, MEDIA_TYPE } from '../../ddm/files.ts'
import { partsOfContent, sizeOfContent } from '../../directory/declarations/files.ts'
import { inBackground } from '../../guard.ts'
import { warn } from '../../log.ts'
import { DerError } from '../../pki/asn1/der.ts'
import { signingTimeOf } from '../../pki/cms/signing-time.ts'
import { reasonOf } from '../../reason.ts'
import { type AppEnv, newApp } from '../app-env.ts'
import { signerOf } from './signer.ts'
import { findOwner, vouch } from './vouch.ts'

/** Files for the devices that are offered a declaration that names them (docs/files.md). */
export const fileFace = newApp()

type FileContext = Context<AppEnv>

const ROUTE = `${FILES_PATH}:sha256`
const NO_BODY = new Uint8Array()
/** How long a signature over nothing serves (milliseconds): it is the same for each file. */
const SIGNATURE_SERVES = 24 * 3_600_000
/** Compression on the way would change the length. */
const CACHE = 'private, no-store, no-transform'

fileFace.on(['GET', 'HEAD'], ROUTE, sendFile)
fileFace.all(ROUTE, (c) => c.body(null, 405, { allow: 'GET, HEAD' }))

/**
 * A file. As on all routes of enrolled devices, no refusal is 401 or 403. A range is answered with the whole
 * file, as RFC 9110 §14.2 allows.
 */
async function sendFile(c: FileContext): Promise<Response> {
  const { sha256 = '' } = c.req.param()
  const signer = signerOf(c, NO_BODY)
  const fault = signer.ok ? faultOfTime(signer.signed ?? NO_BODY) : signer.reason
  if (!signer.ok || fault !== undefined) {
    return refuse(c, 400, fault)
  }
  const vouched = await vouch(c.env, c.var.config, signer)
  if (!vouched.ok) {
    return refuse(c, vouched.status, vouched.reason)
  }
  const { fingerprint } = signer
  try {
    const owner = vouched.owner ?? (await findOwner(c.env, fingerprint))
    const device = owner === undefined ? undefined : c.env.DEVICE.getByName(owner)
    const may = await device?.mayFetch(sha256, fingerprint)
    const size = may?.kind === 'yes' ? await sizeOfContent(c.env.DB, sha256) : undefined
    return size === undefined
      ? refuse(c, 404, 'the device is offered no declaration with this file', owner)
      : await contentOfFile(c, { sha256, size })
  } catch (error) {
    return refuse(c, 503, reasonOf(error))
  }
}

/** @param signed the signed attributes; empty for a signature without them */
function faultOfTime(signed: Uint8Array): string | undefined {
  try {
    const signedAt = signingTimeOf(signed)
    return signedAt !== undefined && signedAt < clock.now() - SIGNATURE_SERVES
      ? 'the signature is older than a day'
      : undefined
  } catch (error) {
    if (error instanceof DerError) {
      return error.message
    }
    throw error
  }
}

async function contentOfFile(
  c: FileContext,
  file: { readonly sha256: string; readonly size: number },
): Promise<Response> {
  const type = c.req.query('type') ?? ''
  const headers = {
    'content-type': MEDIA_TYPE.test(type) ? type : 'application/octet-stream',
    'content-length': String(file.size),
    etag: `"${file.sha256}"`,
    'cache-control': CACHE,
    'accept-ranges': 'none',
    'x-content-type-options': 'nosniff',
  }
  if (c.req.method === 'HEAD') {
    return new Response(null, { headers })
  }
  const parts = partsOfContent(c.env.DB, c.var.config.sealer, file)
  // The first part comes before the answer: without it, the answer is 503.
  const first = await parts.next()
  const { readable, writable } = new FixedLengthStream(file.size)
  inBackground(c.executionCtx, pour(writable, first, parts))
  return new Response(readable, { headers })
}

/** Writes the parts, one in memory at a time. An error breaks the answer off, and the device asks again. */
async function pour(
  to: WritableStream<Uint8Array>,
  first: IteratorResult<Uint8Array>,
  parts: AsyncGenerator<Uint8Array>,
): Promise<void> {
  const writer = to.getWriter()
  try {
    for (let next = first; !next.done; next = await parts.next()) {
      await writer.write(next.value)
    }
    await writer.close()
  } catch (error) {
    await writer.abort(error)
    throw error
  }
}

/** Devices read no error bodies; the log has the reason. */
function refuse(
  c: FileContext,
  status: 400 | 404 | 503,
  reason: string | undefined,
  device?: string,
): Response {
  warn('device:refused', { path: c.req.path, status, reason, device })
  return c.body(null, status, status === 503 ? { 'retry-after': '30' } : {})
}
