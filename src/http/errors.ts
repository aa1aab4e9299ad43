import type { ErrorHandler, NotFoundHandler } from 'hono'
import { GoFieldError } from '../commands/go-fields.ts'
import { FILES_PATH } from '../ddm/files.ts'
import { DAILY_LIMIT, DAILY_LIMIT_TEXT, reasonOf, WITHHELD } from '../reason.ts'
import { warn } from '../log.ts'
import { RepoError } from '../repo/error.ts'
import { ROWS_TOO_NEW } from '../storage/schema.ts'
import { RequestError } from './request-error.ts'
import type { AppEnv } from './app-env.ts'
import { loggedPath } from './caller.ts'
import { ENROLL_PATHS, isKmfddmPath, MDM_PATHS, MIGRATION, SCEP_PATH } from './paths.ts'
import { problem, problemStatus, isOwnPath, type ProblemKind } from './problem.ts'

/** What is unavailable passes, or its text says what to do. */
const SOON = { 'retry-after': '5' }

/** Devices read no error bodies, and retry after a 5xx. Admins get the form of the path's face. */
export const onError: ErrorHandler<AppEnv> = (error, c) => {
  const { path } = c.req
  const isOwn = isOwnPath(path)
  if (error instanceof RequestError) {
    const headers = error.kind === 'unavailable' ? SOON : {}
    return isOwn
      ? problem(error.kind, error.message, {
          headers,
          ...(error.errors && { errors: error.errors }),
        })
      : foreignError(path, error.message, error.status, headers, error.word)
  }
  if (error instanceof RepoError) {
    return errorResponse(path, error.kind, error.message)
  }
  if (error instanceof GoFieldError) {
    const { plain, at } = error
    return isOwn
      ? problem('invalid_command', plain, {
          errors: at === undefined ? [] : [{ at, detail: plain }],
        })
      : errorJson(error.message, 500)
  }
  warn('http:error', { path: loggedPath(path), reason: reasonOf(error) })
  if (isForMDM(path)) {
    return c.body(null, 503)
  }
  return ENROLL_PATHS.includes(path)
    ? c.text('Enrolment is not possible just now. The log of the server says why.\n', 503)
    : explained(path, error)
}

export const notFound: NotFoundHandler<AppEnv> = (c) => {
  const { method, path } = c.req
  const advice = isOwnPath(path) ? ': /api/docs lists them; a / in an id is written %2F' : ''
  return errorResponse(path, 'not_found', `no such route: ${method} ${path}${advice}`)
}

function isForMDM(path: string): boolean {
  return MDM_PATHS.includes(path) || path === SCEP_PATH || path.startsWith(FILES_PATH)
}

/** Whether it is a path for devices and for the people who enrol them. */
export function isForDevices(path: string): boolean {
  return isForMDM(path) || ENROLL_PATHS.includes(path)
}

/** An error in the form of the path's face. */
export function errorResponse(
  path: string,
  kind: ProblemKind,
  message: string,
  headers: Record<string, string> = {},
): Response {
  return isOwnPath(path)
    ? problem(kind, message, { headers })
    : foreignError(path, message, problemStatus(kind), headers)
}

/**
 * The same on a path that has the form of another server. NanoMDM's errors are plain text, and so is KMFDDM's
 * 401.
 */
function foreignError(
  path: string,
  message: string,
  status: number,
  headers: Readonly<Record<string, string>> = {},
  word?: string,
): Response {
  const isKmfddm = isKmfddmPath(path)
  return path === MIGRATION || (isKmfddm && status === 401)
    ? new Response(`${message}\n`, {
        status,
        headers: {
          'content-type': 'text/plain; charset=utf-8',
          'x-content-type-options': 'nosniff',
          ...headers,
        },
      })
    : isKmfddm
      ? errorJson(message, status, { ...headers, 'content-type': 'application/json' }, 0)
      : errorJson(message, status, headers, 2, word)
}

/** MicroMDM's error body, indented as its clients print it (docs/micromdm.md). KMFDDM's has one line. */
function errorJson(
  message: string,
  status: number,
  headers: Readonly<Record<string, string>> = {},
  indent = 2,
  code?: string,
): Response {
  return new Response(`${JSON.stringify({ error: message, code }, null, indent)}\n`, {
    status,
    headers: {
      'content-type': 'application/json; charset=utf-8',
      'x-content-type-options': 'nosniff',
      ...headers,
    },
  })
}

/** Errors that pass, by their reasons. The first that fits counts. */
const PASSING: readonly (readonly [reason: RegExp, kind: ProblemKind, text: string])[] = [
  [
    /no such (table|column)/,
    'directory_not_migrated',
    'the directory is not migrated: run `wrangler d1 migrations apply DB --remote`',
  ],
  // SQLite's words in a Durable Object, D1's for its own limit, and Node's for a file of `npm start`.
  [
    /SQLITE_FULL|exceeded maximum DB size|\bENOSPC\b/i,
    'storage_full',
    'the storage is full: make room there, then repeat the request',
  ],
  [DAILY_LIMIT, 'unavailable', DAILY_LIMIT_TEXT],
  [
    /^(Failed query|D1_|no answer within)/,
    'unavailable',
    'the directory (D1) does not answer just now: try again',
  ],
  [new RegExp(`^${ROWS_TOO_NEW}`), 'unavailable', ROWS_TOO_NEW],
  // For minutes after a deploy, an object may have the code before. It ends when it gets the new one.
  [
    /^(The RPC receiver does not implement|Handler does not export)|reset because its code was updated/,
    'unavailable',
    'the server is being updated: try again in five minutes',
  ],
  [/^\w+: .*\(1\d{4}\)$/, 'unavailable', 'the bucket (R2) does not answer just now: try again'],
  // A failing disk, and the text by which the runtime replaces the reason why an object cannot be opened.
  [
    /SQLITE_IOERR|^internal error; reference =/,
    'unavailable',
    'the storage does not answer just now: try again, and under `npm start` see whether the disk is full',
  ],
]
/** The place of an unknown error is for the log alone. */
const UNFORESEEN = 'something unforeseen went wrong: the log of the server says where'

/** The known part of an error. A query and its parameters stay in the log. */
function explained(path: string, error: Error): Response {
  const reason = reasonOf(error)
  const known = PASSING.find(([form]) => form.test(reason))
  if (known) {
    const [, kind, text] = known
    return errorResponse(path, kind, text)
  }
  return errorResponse(path, 'internal', reason.endsWith(WITHHELD) ? UNFORESEEN : reason)
}
