import type { AppContext } from '../app-env.ts'

/**
 * Whether a page of another site sent the request. Browsers add these headers; no page can change them (Fetch
 * Metadata Request Headers; RFC 6454 §7.3).
 */
export function isForeign({ req }: AppContext, publicUrl: string): boolean {
  const site = req.header('sec-fetch-site')
  const origin = req.header('origin')
  // `none`: the user typed the address, or opened it from another program.
  const ownSite =
    site === undefined ||
    site === 'same-origin' ||
    (site === 'none' && /^(GET|HEAD)$/.test(req.method))
  // Behind a proxy that ends TLS, the request has an http URL, while the origin of the browser and PUBLIC_URL
  // have https.
  const ownOrigin = origin === undefined || [publicUrl, new URL(req.url).origin].includes(origin)
  return !ownSite || !ownOrigin
}
