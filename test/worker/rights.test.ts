import { expect, it } from 'vitest'
import { app } from '../../src/http/app.ts'
import { RIGHTS, rightOf } from '../../src/http/access/rights/table.ts'

/** Middleware and answers to other methods are under `ALL`. */
const ROUTES = [
  ...new Set(
    app.routes
      .filter(({ method }) => method !== 'ALL')
      .map(({ method, path }) => `${method} ${path}`),
  ),
]

const RULES = Object.keys(RIGHTS).map((route) => {
  const [method = '', path = ''] = route.split(' ')
  const right = rightOf(method, path)
  return { route, method, path, needed: right?.needed, action: right?.audited?.action }
})

it('every route of every face has a right, and every right has a route', () => {
  const missing = ROUTES.filter((route) => !(route in RIGHTS))
  const stale = Object.keys(RIGHTS).filter((route) => !ROUTES.includes(route))
  expect({ missing, stale }).toEqual({ missing: [], stale: [] })
})

/** They change nothing that lasts, or read with a method of writing. */
const NOT_AUDITED = new Set([
  'POST /api/devices/:id/push',
  'POST /v1/push/:id',
  'POST /v1/profiles',
  'POST /v1/apps',
])

it('a route that changes or reveals something has an action for the audit, and others have none', () => {
  const wrong = RULES.filter(({ route, method, needed, action }) => {
    const reads = method === 'GET' || needed === 'read' || needed === 'open'
    const isDeed = needed === 'secrets' || !(reads || NOT_AUDITED.has(route))
    return isDeed !== (action !== undefined)
  })
  expect(wrong).toEqual([])
})

it('no GET of our own API changes or reveals anything', () => {
  const acting = RULES.filter(
    ({ method, path, action }) => method === 'GET' && path.startsWith('/api') && action,
  )
  expect(acting).toEqual([])
})
