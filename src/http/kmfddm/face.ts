import { newApp, type AppContext } from '../app-env.ts'
import { kmfddmAuth } from '../access/gate.ts'
import { KMFDDM_ROOTS, NANOHUB } from '../paths.ts'
import { plainAnswer } from './answer.ts'
import * as declarations from './declarations.ts'
import { getItems, getOffered, getTokens, refuseStatus } from './device-side.ts'
import { notifyDevices } from './notify.ts'
import * as sets from './sets.ts'
import * as status from './status.ts'

type Handlers = Readonly<
  Partial<
    Record<'GET' | 'PUT' | 'POST' | 'DELETE', (c: AppContext) => Response | Promise<Response>>
  >
>

const ADMIN: Readonly<Record<string, Handlers>> = {
  '/declarations': { GET: declarations.getDeclarations, PUT: declarations.takeDeclaration },
  '/declarations/:id': {
    GET: declarations.getDeclaration,
    DELETE: declarations.removeDeclaration,
  },
  '/declarations/:id/touch': { POST: declarations.touch },
  '/sets': { GET: sets.getSets },
  '/set-declarations/:id': {
    GET: sets.getSetDeclarations,
    PUT: sets.putSetDeclaration,
    DELETE: sets.deleteSetDeclaration,
  },
  '/declaration-sets/:id': { GET: sets.getDeclarationSets },
  '/enrollment-sets/:id': {
    GET: sets.getEnrollmentSets,
    PUT: sets.putEnrollmentSet,
    DELETE: sets.deleteEnrollmentSet,
  },
  '/enrollment-sets-all/sets/:id': { DELETE: sets.deleteEnrollmentSets },
  // The path of KMFDDM's script and of its OpenAPI document. KMFDDM itself lacks it.
  '/enrollment-sets-all/:id': { DELETE: sets.deleteEnrollmentSets },
  '/notify': { POST: notifyDevices },
  '/declaration-status/:id': { GET: status.getDeclarationStatus },
  '/status-errors/:id': { GET: status.getStatusErrors },
  '/status-values/:id': { GET: status.getStatusValues },
  '/status-report/:id': { GET: status.getStatusReport },
}

/** What a device management server asks KMFDDM for a device. Here admins look at it. */
const SERVERS: Readonly<Record<string, Handlers>> = {
  '/tokens': { GET: getTokens },
  '/declaration-items': { GET: getItems },
  '/declaration/:kind/:id': { GET: getOffered },
  '/status': { PUT: refuseStatus },
}

/** KMFDDM's HTTP API (docs/kmfddm.md). A thrown `RequestError` becomes its JSON. */
export const kmfddmFace = newApp()

for (const root of KMFDDM_ROOTS) {
  kmfddmFace.use(`${root}/*`, kmfddmAuth)
}
for (const [prefix, table] of [
  ['/v1', ADMIN],
  ['', SERVERS],
  [NANOHUB, { ...ADMIN, ...SERVERS }],
] as const) {
  for (const [path, handlers] of Object.entries(table)) {
    for (const [method, handler] of Object.entries(handlers)) {
      kmfddmFace.on(method, prefix + path, handler)
    }
    const allow = [...Object.keys(handlers), 'OPTIONS'].join(', ').replace('GET', 'GET, HEAD')
    kmfddmFace.all(prefix + path, ({ req }) =>
      req.method === 'OPTIONS'
        ? new Response(null, { status: 204, headers: { allow } })
        : plainAnswer(405, 'Method Not Allowed', { allow }),
    )
  }
}
for (const root of KMFDDM_ROOTS) {
  kmfddmFace.all(`${root}/*`, () => plainAnswer(404, '404 page not found'))
}
