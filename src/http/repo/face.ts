import { clock } from '../../clock.ts'
import { warn } from '../../log.ts'
import { bucketOf } from '../../repo/bucket.ts'
import { faultOfLink } from '../../repo/link.ts'
import { isRepoName, REPO_PATH, typeOfName } from '../../repo/name.ts'
import { type AppContext, newApp } from '../app-env.ts'
import { errorResponse } from '../errors.ts'
import { answerFor, type FileAnswer, type FileVersion } from './range.ts'

/** MicroMDM's `/repo`: files that devices download without credentials (docs/apps-and-files.md). */
export const repoFace = newApp()

const AGAIN = { 'retry-after': '1' }
const ROUTE = `${REPO_PATH}:name`

repoFace.on(['GET', 'HEAD'], ROUTE, sendRepoFile)

/** A link that does not open is 404, like a file that is not there: a stranger learns nothing. */
async function sendRepoFile(c: AppContext): Promise<Response> {
  const bucket = bucketOf(c.env)
  const { name = '' } = c.req.param()
  const { exp, sig } = c.req.query()
  const fault = faultOfLink({ name, exp, sig }, c.var.config, clock.now())
  if (fault !== undefined) {
    warn('repo:refused', { path: c.req.path, reason: fault })
  }
  const known = fault === undefined && isRepoName(name) ? await bucket.head(name) : null
  if (!known) {
    return errorResponse(c.req.path, 'not_found', 'there is no such file')
  }
  const isHead = c.req.method === 'HEAD'
  const answer = answerFor(c.req.raw.headers, versionOf(known), isHead)
  const headers = headersOf(known, answer)
  if (isHead || answer.status > 206) {
    return new Response(null, { status: answer.status, headers })
  }
  const object = await bucket.get(name, {
    ...(answer.status === 206 && { range: { offset: answer.offset, length: answer.length } }),
    onlyIf: { etagMatches: known.etag },
  })
  return object && 'body' in object
    ? new Response(object.body, { status: answer.status, headers })
    : errorResponse(c.req.path, 'unavailable', 'the file changes just now: ask again', AGAIN)
}

function versionOf({ httpEtag: etag, size, uploaded }: R2Object): FileVersion {
  return { etag, size, modified: uploaded.getTime() }
}

/** XML can hold a script: a browser runs none of it. Compression on the way would change the length. */
function headersOf(file: R2Object, answer: FileAnswer): Record<string, string> {
  const { status } = answer
  return {
    'content-type': typeOfName(file.key),
    'accept-ranges': 'bytes',
    'cache-control': 'no-cache, no-transform',
    'content-security-policy': "default-src 'none'; sandbox",
    'x-content-type-options': 'nosniff',
    etag: file.httpEtag,
    'last-modified': file.uploaded.toUTCString(),
    ...(status === 200 && { 'content-length': String(file.size) }),
    ...(status === 416 && { 'content-range': `bytes */${file.size}` }),
    ...(status === 206 && {
      'content-length': String(answer.length),
      'content-range': `bytes ${answer.offset}-${answer.offset + answer.length - 1}/${file.size}`,
    }),
  }
}
