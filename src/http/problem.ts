import { requestId } from '../request-id.ts'
import { isKmfddmPath } from './paths.ts'

/** HTTP's own words for the statuses that `/api` answers (RFC 9457 §4.2.1: the title of `about:blank`). */
const TITLES: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  409: 'Conflict',
  410: 'Gone',
  413: 'Content Too Large',
  422: 'Unprocessable Content',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
}

/**
 * The codes on which a client may branch, with their status. Codes are stable; new ones may come. A status
 * alone means the first code of that status. docs/api.md lists their meanings.
 */
export const PROBLEMS = {
  invalid_request: 400,
  invalid_id: 400,
  invalid_cursor: 400,
  invalid_command: 400,
  invalid_declaration: 400,
  cannot_succeed: 400,
  no_targets: 400,
  too_many_targets: 400,
  wrong_setup_code: 400,
  unauthorized: 401,
  cross_site: 403,
  missing_scope: 403,
  holds_secrets: 403,
  no_grant: 403,
  not_found: 404,
  device_not_found: 404,
  user_not_found: 404,
  command_not_found: 404,
  command_type_not_found: 404,
  result_not_found: 404,
  token_not_found: 404,
  identity_not_found: 404,
  serial_not_found: 404,
  invitation_not_found: 404,
  profile_not_found: 404,
  file_not_found: 404,
  job_not_found: 404,
  move_not_found: 404,
  move_item_not_found: 404,
  declaration_not_found: 404,
  set_not_found: 404,
  dep_account_not_found: 404,
  dep_device_not_found: 404,
  dep_profile_not_found: 404,
  report_not_found: 404,
  software_update_not_found: 404,
  blueprint_not_found: 404,
  setup_user_not_found: 404,
  key_not_found: 404,
  session_not_found: 404,
  webhook_not_found: 404,
  dead_letter_not_found: 404,
  authority_not_found: 404,
  push_certificate_not_found: 404,
  method_not_allowed: 405,
  conflict: 409,
  ambiguous_id: 409,
  not_enrolled: 409,
  setup_refused: 409,
  already_enrolled: 409,
  already_ended: 409,
  unsupported_by_os: 409,
  profile_declared: 409,
  no_rollout: 409,
  confirmation_required: 409,
  enrollment_contested: 409,
  serial_mismatch: 409,
  push_failed: 409,
  renewal_not_possible: 409,
  authority_in_use: 409,
  file_in_use: 409,
  declaration_in_use: 409,
  setup_user_in_use: 409,
  limit_reached: 409,
  last_admin_key: 409,
  webhook_disabled: 409,
  webhook_unreadable: 409,
  set_by_vars: 409,
  move_not_ready: 409,
  already_claimed: 409,
  dep_refused: 409,
  gone: 410,
  body_too_large: 413,
  idempotency_key_reused: 422,
  queue_full: 429,
  too_many_wrong_keys: 429,
  internal: 500,
  unavailable: 503,
  dep_unavailable: 503,
  not_configured: 503,
  not_claimed: 503,
  no_setup_code: 503,
  no_bucket: 503,
  storage_full: 503,
  directory_not_migrated: 503,
} as const

export type ProblemCode = keyof typeof PROBLEMS

// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- for the compiler, keys are texts
export const CODES = Object.keys(PROBLEMS) as ProblemCode[]

/** A code, or a status, which means its first code. */
export type ProblemKind = ProblemCode | (typeof PROBLEMS)[ProblemCode]

export function problemStatus(kind: ProblemKind): number {
  return typeof kind === 'number' ? kind : PROBLEMS[kind]
}

function codeOf(kind: ProblemKind): ProblemCode | undefined {
  return typeof kind === 'number' ? CODES.find((code) => PROBLEMS[code] === kind) : kind
}

/** One place in a request that is not valid. */
export interface Fault {
  /** The place: `query.limit`, `json.url`. */
  readonly at: string
  readonly detail: string
}

/** Whether a path is of our own API, the console or the claim, with problem documents as errors. */
export function isOwnPath(path: string): boolean {
  return path === '/api' || (/^\/(api|console|setup)\//.test(path) && !isKmfddmPath(path))
}

/** An error of our own API: `application/problem+json` (RFC 9457). `detail` says what to do. */
export function problem(
  kind: ProblemKind,
  detail: string,
  more: { readonly errors?: readonly Fault[]; readonly headers?: Record<string, string> } = {},
): Response {
  const { errors, headers } = more
  const status = problemStatus(kind)
  const document = {
    type: 'about:blank',
    title: TITLES[status],
    status,
    detail,
    code: codeOf(kind),
    request_id: requestId(),
    errors: errors ?? [],
  }
  return new Response(JSON.stringify(document), {
    status,
    headers: { 'content-type': 'application/problem+json', ...headers },
  })
}
