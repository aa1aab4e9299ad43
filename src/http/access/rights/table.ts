import { ENROLL, MDM_PATHS, OTA_PHASE23, SCEP_PATH } from '../../paths.ts'
import { DEVICE_RIGHTS } from './devices.ts'
import { ENROLMENT_RIGHTS } from './enrolment.ts'
import { KEY_RIGHTS } from './keys.ts'
import { KMFDDM_RIGHTS } from './kmfddm.ts'
import { MICROMDM_RIGHTS } from './micromdm.ts'
import type { AuditScope } from '../../../keys/audit-row.ts'
import type { Needed, Rights } from './right.ts'
import { SETTING_RIGHTS } from './settings.ts'

/** Routes without a gate: of devices, of people who enrol them, and of the owner of a new server. */
const OPEN: Rights = Object.fromEntries(
  [
    ...MDM_PATHS.flatMap((path) =>
      ['PUT', 'GET', 'POST', 'DELETE', 'PATCH'].map((method) => `${method} ${path}`),
    ),
    `GET ${SCEP_PATH}`,
    `POST ${SCEP_PATH}`,
    `GET ${ENROLL}`,
    `POST ${ENROLL}`,
    `POST ${OTA_PHASE23}`,
    'GET /MDMServiceConfig',
    'GET /healthz',
    'GET /console',
    'GET /console/*',
    'GET /console/assets/:name',
    'GET /setup',
    'GET /setup/state',
    'POST /setup/claim',
    'POST /setup/confirm',
    'GET /mdm/anchor-certs',
    'GET /ddm/files/:sha256',
    'HEAD /ddm/files/:sha256',
    'GET /repo/:name',
    'HEAD /repo/:name',
  ].map((route) => [route, 'open' as const]),
)

/** What monitors ask. Without a key, `/readyz` says one word, and passes no gate. */
const HEALTH_RIGHTS: Rights = {
  'GET /readyz': 'metrics|read',
  'GET /metrics': 'metrics|read',
  'GET /api/health': 'read',
  'GET /api/overview': 'read',
  'POST /api/health/probes/objects': ['config', 'health.probe'],
  'POST /api/health/probes/queue': ['config', 'health.probe'],
  'POST /api/health/probes/push': ['config', 'health.probe'],
  'POST /api/health/probes/devices': ['config', 'health.probe'],
}

/** Every route of every face. A test fails for a route without a line, and for a line without a route. */
export const RIGHTS: Rights = {
  ...OPEN,
  ...DEVICE_RIGHTS,
  ...SETTING_RIGHTS,
  ...ENROLMENT_RIGHTS,
  ...MICROMDM_RIGHTS,
  ...KMFDDM_RIGHTS,
  ...KEY_RIGHTS,
  ...HEALTH_RIGHTS,
  'PUT /migration': ['admin', 'move.put_items'],
}

export interface RouteRight {
  readonly needed: Needed
  /** Absent for a route that changes and reveals nothing. */
  readonly audited: { readonly action: string; readonly scope: AuditScope } | undefined
}

/** What a route needs; `undefined` for one that is not in the table. */
export function rightOf(method: string, path: string): RouteRight | undefined {
  const right = RIGHTS[`${method} ${path}`]
  if (right === undefined) {
    return undefined
  }
  if (typeof right === 'string') {
    return { needed: right, audited: undefined }
  }
  const [needed, action] = right
  const ofAdmins = needed === 'any' || needed === 'all'
  const scope = needed === 'command|destructive' ? 'command' : ofAdmins ? 'admin' : needed
  return { needed, audited: { action, scope } }
}
