import type { Rights } from './right.ts'

/** MicroMDM's routes, by what they do: a POST may only read. */
export const MICROMDM_RIGHTS: Rights = {
  'POST /v1/commands': ['command|destructive', 'command.queue'],
  'POST /v1/commands/:id': ['command|destructive', 'command.queue'],
  'PUT /v1/commands/:id': ['command|destructive', 'command.queue'],
  // Its answer has the payloads of waiting commands.
  'GET /v1/commands/:id': ['secrets', 'command.reveal'],
  'DELETE /v1/commands/:id': ['command', 'command.clear'],
  'GET /push/:id': 'command',
  'POST /v1/push/:id': 'command',

  'POST /v1/devices': 'read',
  'DELETE /v1/devices': ['destructive', 'device.delete'],
  'POST /v1/devices/:id/block': ['destructive', 'device.block'],
  'POST /v1/devices/:id/unblock': ['destructive', 'device.unblock'],
  'POST /v1/profiles': 'config',
  'PUT /v1/profiles': ['config', 'profile.put'],
  'DELETE /v1/profiles': ['config', 'profile.delete'],
  // Its answer has the manifests, with links that open the packages.
  'POST /v1/apps': 'config',
  'PUT /v1/apps': ['config', 'repo.put'],
  'POST /v1/blueprints': 'read',
  'PUT /v1/blueprints': ['config', 'blueprint.put'],
  'DELETE /v1/blueprints': ['config', 'blueprint.delete'],
  // Its answer has the hashes of passwords.
  'POST /v1/users': ['secrets', 'setup_user.reveal'],
  'PUT /v1/users': ['config', 'setup_user.put'],
  'POST /v1/challenge': ['enroll', 'challenge.create'],
  'GET /v1/config/certificate': 'read',
  'PUT /v1/config/certificate': ['config', 'push_certificate.put'],

  'GET /v1/dep/account': 'read',
  'POST /v1/dep/devices': 'read',
  'POST /v1/dep/assign': ['config', 'dep.assign'],
  // With DEP_EXPORT_TOKENS its answer has the secrets of the tokens.
  'GET /v1/dep-tokens': ['secrets', 'dep.reveal_tokens'],
  'PUT /v1/dep-tokens': ['config', 'dep.import_token'],
  'POST /v1/dep/syncnow': ['config', 'dep.sync'],
  'GET /v1/dep/sync': 'read',
  'GET /v1/dep/autoassigners': 'read',
  'POST /v1/dep/autoassigners': ['config', 'dep.put_rules'],
  'DELETE /v1/dep/autoassigners': ['config', 'dep.put_rules'],
  'PUT /v1/dep/profiles': ['config', 'dep.put_profile'],
  'POST /v1/dep/profiles': 'read',
  'DELETE /v1/dep/profiles': ['config', 'dep.delete_profile'],
}
