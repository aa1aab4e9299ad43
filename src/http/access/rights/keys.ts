import type { Rights } from './right.ts'

/** Keys, sessions and the audit. A key may roll itself: own.ts asks for `admin` in all other cases. */
export const KEY_RIGHTS: Rights = {
  'GET /api/keys': 'admin',
  'POST /api/keys': ['admin', 'key.create'],
  'POST /api/keys/people': ['admin', 'key.create'],
  'GET /api/keys/:id': 'admin',
  'POST /api/keys/:id/roll': ['any', 'key.roll'],
  'DELETE /api/keys/:id': ['admin', 'key.revoke'],
  'GET /api/whoami': 'any',
  'GET /api/seal-keys': 'admin',
  // With the ring, its holder becomes each device and opens what is sealed: no scope gives as much.
  'POST /api/seal-keys/reveal': ['all', 'seal_key.reveal'],
  'DELETE /api/seal-keys/control': ['all', 'seal_key.forget'],
  'GET /api/sessions': 'any',
  'DELETE /api/sessions/:id': ['any', 'session.close'],
  'GET /api/audit': 'admin|read',
  'POST /console/session': 'open',
  'GET /console/session': 'any',
  'DELETE /console/session': ['any', 'session.close'],
}
