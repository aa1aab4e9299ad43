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
  415: 'Unsupported Media Type',
  422: 'Unprocessable Content',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
}

/** One place in a request that is not as it has to be. */
export interface Fault {
  /** Where: `query.limit`, `json.url`. */
  readonly at: string
  readonly detail: string
}

/** Whether errors of this path are problem documents; everything else speaks MicroMDM's JSON. */
export function speaksProblems(path: string): boolean {
  return path === '/api' || path.startsWith('/api/')
}

/** An error of our own API: `application/problem+json` (RFC 9457). `detail` says what to do. */
export function problem(
  status: number,
  detail: string,
  more: { readonly errors?: readonly Fault[]; readonly headers?: Record<string, string> } = {},
): Response {
  const { errors, headers } = more
  const title = TITLES[status] ?? 'Error'
  return new Response(
    JSON.stringify({ type: 'about:blank', title, status, detail, ...(errors && { errors }) }),
    { status, headers: { 'content-type': 'application/problem+json', ...headers } },
  )
}
