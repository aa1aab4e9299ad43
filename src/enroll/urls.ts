/** The URLs of a server for an enrolling device, derived from its enrolment URL. */

/** The query parameters that open the download: the token of all links, and the secret of an invitation. */
export const TOKEN_PARAM = 'token'
export const INVITATION_PARAM = 'invitation'

export interface DeviceUrls {
  readonly serverUrl: string
  readonly checkInUrl: string
  readonly scepUrl: string
  /** Serves phases 2 and 3 of an over-the-air enrolment. */
  readonly phase23Url: string
}

/**
 * `base` is the server's URL without a slash at the end, `query` that of the enrolment URL. Its parameters
 * go into ServerURL and CheckInURL, and so return as `url_params` with each event. Token and invitation are
 * left out, because they would be on every device and in every event. Phases 2 and 3 need them.
 */
export function deviceUrls(base: string, query: URLSearchParams): DeviceUrls {
  const carried = new URLSearchParams(query)
  carried.delete(TOKEN_PARAM)
  carried.delete(INVITATION_PARAM)
  return {
    serverUrl: withQuery(`${base}/mdm/connect`, carried),
    checkInUrl: withQuery(`${base}/mdm/checkin`, carried),
    scepUrl: `${base}/scep`,
    phase23Url: withQuery(`${base}/ota/phase23`, query),
  }
}

export interface EnrollUrls {
  /** The page for people, or the profile where there is no page. */
  readonly link: string
  /** The profile itself. Automated Device Enrollment posts there too. */
  readonly profile: string
  /** The start of an over-the-air enrolment. */
  readonly ota: string
}

/** The URLs that lead into enrolment, with all parameters of `query`. */
export function enrollUrls(base: string, query: URLSearchParams, hasPage: boolean): EnrollUrls {
  const profile = withQuery(`${base}/mdm/enroll`, query)
  const link = hasPage ? withQuery(`${base}/`, query) : profile
  return { link, profile, ota: withQuery(`${base}/ota/enroll`, query) }
}

function withQuery(url: string, query: URLSearchParams): string {
  return query.size === 0 ? url : `${url}?${query.toString()}`
}
