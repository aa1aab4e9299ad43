import { builtFile } from '../built-file.ts'
import { newApp } from '../app-env.ts'

/**
 * The page of the console and its files (src/console). They hold nothing of a fleet, so they need no key: a
 * link in a chat, or the redirect of a sign-in in front of the server, arrives from another site and has to
 * load.
 */
export const shellFace = newApp()

const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ')

const SAFE = {
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'cross-origin-resource-policy': 'same-origin',
}

const SHELL = {
  ...SAFE,
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': POLICY,
  'cross-origin-opener-policy': 'same-origin',
  'permissions-policy': 'camera=(), microphone=(), geolocation=(), payment=(), usb=()',
  'cache-control': 'no-cache',
}

/** The name of a file holds a hash of its content. */
const ASSET = /^[\w-]+\.(js|css)$/
const TYPES: Readonly<Record<string, string>> = {
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
}

shellFace.get('/console/assets/:name', async (c) => {
  const name = c.req.param('name')
  const [, kind = ''] = ASSET.exec(name) ?? []
  const found =
    kind === '' ? undefined : await c.env.ASSETS?.fetch(`https://assets/console-${name}`)
  if (!found?.ok) {
    // Of an earlier version. A browser that kept this answer would miss the file for ever.
    return c.text('no such file: reload the page\n', 404, { ...SAFE, 'cache-control': 'no-store' })
  }
  return new Response(found.body, {
    headers: {
      ...SAFE,
      'content-type': TYPES[kind] ?? '',
      'cache-control': 'public, max-age=31536000, immutable',
    },
  })
})

/** The browser's script shows the screen of the address. */
for (const path of ['/console', '/console/*']) {
  shellFace.get(path, async ({ env }) => {
    const page = await builtFile(env, 'console.html')
    return new Response(page.body, { headers: SHELL })
  })
}
