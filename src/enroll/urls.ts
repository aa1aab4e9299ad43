/** The URLs of a server that an enrolling device is told, from the one it came by. */

/** Names the query parameters that open the download: the token of all links, and the secret of an invitation. */
export const TOKEN_PARAM = 'token'
export const INVITATION_PARAM = 'invitation'

export interface DeviceUrls {
  readonly serverUrl: string
  readonly checkInUrl: string
  readonly scepUrl: string
  /** Answers phases 2 and 3 of an over-the-air enrolment. */
  readonly phase23Url: string
}

/**
 * `base` is the server's URL without a slash at the end, `query` that of the enrolment URL. Its parameters go on into
 * ServerURL and CheckInURL, and so come back as `url_params` with each event; token and invitation do not, because they
 * would lie on every device and in every event. Phases 2 and 3 still have to show them.
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
  /** The profile itself. ADE posts there too. */
  readonly profile: string
  /** Where an over-the-air enrolment begins. */
  readonly ota: string
}

/** The URLs that lead into enrolment, with everything that `query` says. */
export function enrollUrls(base: string, query: URLSearchParams, hasPage: boolean): EnrollUrls {
  const profile = withQuery(`${base}/mdm/enroll`, query)
  const link = hasPage ? withQuery(`${base}/`, query) : profile
  return { link, profile, ota: withQuery(`${base}/ota/enroll`, query) }
}

function withQuery(url: string, query: URLSearchParams): string {
  return query.size === 0 ? url : `${url}?${query.toString()}`
}
