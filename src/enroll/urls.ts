/** The URLs of a server that an enrolling device is told, from the one it came by. */

/** Names the query parameter that opens the download (`ENROLL_TOKEN`). */
export const TOKEN_PARAM = 'token'

export interface DeviceUrls {
  readonly serverUrl: string
  readonly checkInUrl: string
  readonly scepUrl: string
  /** Answers phases 2 and 3 of an over-the-air enrolment. */
  readonly phase23Url: string
}

/**
 * `base` is the server's URL without a slash at the end, `query` that of the enrolment URL. Its parameters go on into
 * ServerURL and CheckInURL, and so come back as `url_params` with each event; the token does not, because it would lie
 * on every device and in every event. Phases 2 and 3 still have to show it.
 */
export function deviceUrls(base: string, query: URLSearchParams): DeviceUrls {
  const carried = new URLSearchParams(query)
  carried.delete(TOKEN_PARAM)
  return {
    serverUrl: withQuery(`${base}/mdm/connect`, carried),
    checkInUrl: withQuery(`${base}/mdm/checkin`, carried),
    scepUrl: `${base}/scep`,
    phase23Url: withQuery(`${base}/ota/phase23`, query),
  }
}

/** The URL to send people to, with everything that the page's own URL says. */
export function enrollUrl(base: string, query: URLSearchParams): string {
  return withQuery(`${base}/mdm/enroll`, query)
}

function withQuery(url: string, query: URLSearchParams): string {
  return query.size === 0 ? url : `${url}?${query.toString()}`
}
