import { NANOHUB } from '../../paths.ts'
import type { Rights } from './right.ts'

/** KMFDDM's API below `/v1` and below NanoHUB's place. */
const CATALOG: Rights = {
  'GET /declarations': 'read',
  'PUT /declarations': ['config', 'declaration.put'],
  'GET /declarations/:id': 'read',
  'DELETE /declarations/:id': ['config', 'declaration.delete'],
  'POST /declarations/:id/touch': ['config', 'declaration.touch'],
  'GET /sets': 'read',
  'GET /set-declarations/:id': 'read',
  'PUT /set-declarations/:id': ['config', 'set.add_declaration'],
  'DELETE /set-declarations/:id': ['config', 'set.remove_declaration'],
  'GET /declaration-sets/:id': 'read',
  'GET /enrollment-sets/:id': 'read',
  'PUT /enrollment-sets/:id': ['command', 'set.add_member'],
  'DELETE /enrollment-sets/:id': ['command', 'set.remove_member'],
  'DELETE /enrollment-sets-all/sets/:id': ['command', 'set.remove_member'],
  'DELETE /enrollment-sets-all/:id': ['command', 'set.remove_member'],
  'POST /notify': ['config', 'declaration.notify'],
  'GET /declaration-status/:id': 'read',
  'GET /status-errors/:id': 'read',
  'GET /status-values/:id': 'read',
  'GET /status-report/:id': 'read',
}

/** Below `/` and below NanoHUB's place. */
const SERVER: Rights = {
  'GET /tokens': 'read',
  'GET /declaration-items': 'read',
  'GET /declaration/:kind/:id': 'read',
  'PUT /status': 'read',
}

export const KMFDDM_RIGHTS: Rights = {
  ...below('/v1', CATALOG),
  ...SERVER,
  ...below(NANOHUB, { ...CATALOG, ...SERVER }),
}

function below(prefix: string, rights: Rights): Rights {
  const entries = Object.entries(rights)
  return Object.fromEntries(
    entries.map(([route, right]) => [route.replace(' ', ` ${prefix}`), right]),
  )
}
