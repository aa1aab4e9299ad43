import type { Rights } from './right.ts'

/** Keys, sessions and the audit. A key may roll itself: own.ts asks for `admin` in all other cases. */
export const KEY_RIGHTS: Rights = {
  'GET /api/keys': 'admin',
  'POST /api/keys': ['admin', 'key.create'],
  'GET /api/keys/:id': 'admin',
  'POST /api/keys/:id/roll': ['any', 'key.roll'],
  'DELETE /api/keys/:id': ['admin', 'key.revoke'],
  'GET /api/whoami': 'any',
  'GET /api/audit': 'admin',
  'POST /console/session': 'open',
  'GET /console/session': 'any',
  'DELETE /console/session': ['any', 'session.close'],
}
