import { html, raw } from 'hono/html'
import { renderSVG } from 'uqr'

export type PageContent =
  | { readonly kind: 'ready'; readonly url: string; readonly note: string }
  | { readonly kind: 'problem'; readonly text: string }

/** A camera cannot read longer codes, and from about 2,900 bytes on there is no QR code. */
const MAX_QR_CHARS = 1000

/** The page may load only its own style, because its link may hold a token. */
const HEADERS = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy':
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; " +
    "frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'cache-control': 'no-store',
}

const STYLE = `
  :root { color-scheme: light dark; font: 1.0625rem/1.5 system-ui, sans-serif }
  body { margin: 0 auto; max-width: 34rem; padding: 2rem 1.25rem }
  h1 { font-size: 1.75rem; line-height: 1.2 }
  h2 { font-size: 1.15rem; margin-top: 2rem }
  .download { background: #0a5dc2; border-radius: .5rem; color: #fff; display: inline-block;
    font-weight: 600; padding: .75rem 1.25rem; text-decoration: none }
  .download:focus-visible { outline: 3px solid; outline-offset: 3px }
  figure { margin: 2rem 0 }
  figure svg { background: #fff; display: block; height: auto; max-width: 15rem; width: 100% }
  figcaption { margin-top: .75rem }
  .note { font-size: .875rem; opacity: .75 }
  .problem { border-left: .25rem solid #c25400; padding-left: 1rem }
`

/** The page at `/`: the profile's link, also as a QR code, and how to install the profile. */
export async function enrollPage(content: PageContent, organization: string): Promise<Response> {
  const title = organization ? `Enrol this device with ${organization}` : 'Enrol this device'
  const page = await html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${title}</title>
        <style>
          ${raw(STYLE)}
        </style>
      </head>
      <body>
        <main>
          <h1>${title}</h1>
          ${content.kind === 'ready' ? instructions(content, organization) : problem(content.text)}
        </main>
      </body>
    </html> `
  return new Response(page, { headers: HEADERS })
}

/** `note`: which devices may enrol by this page. */
function instructions(
  { url, note }: Extract<PageContent, { kind: 'ready' }>,
  organization: string,
) {
  return html`
    <p>
      Install the enrolment profile to let ${organization || 'your organisation'} manage this Mac,
      iPhone or iPad.
    </p>
    ${
      url.startsWith('https:')
        ? ''
        : html`<p class="problem">
            This server’s address is not https, so Apple devices will refuse the profile.
          </p>`
    }
    <p><a class="download" href="${url}">Download the profile</a></p>
    <h2>On a Mac</h2>
    <p>
      After the download, open System Settings, search for “profiles”, open the profile and choose
      Install.
    </p>
    <h2>On an iPhone or iPad</h2>
    <p>
      Open this page in Safari and allow the download. Then open Settings and tap Profile
      Downloaded, near the top.
    </p>
    ${url.length > MAX_QR_CHARS ? '' : qrCode(url)}
    <p class="note">${note}</p>
  `
}

function problem(text: string) {
  return html`<p class="problem">${text}</p>`
}

function qrCode(url: string) {
  // ISO/IEC 18004 requires a quiet zone of four modules.
  const svg = renderSVG(url, { border: 4, pixelSize: 1 })
  return html`
    <figure>
      ${raw(svg.replace('<svg ', '<svg role="img" aria-label="QR code of the profile’s link" '))}
      <figcaption>Or point the camera of the device at this code.</figcaption>
    </figure>
  `
}
