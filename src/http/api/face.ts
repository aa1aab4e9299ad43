import { newApp } from '../app-env.ts'
import { ownAuth } from '../access/gate.ts'
import { blueprintPreviewRoutes } from './blueprints/preview.ts'
import { blueprintRoutes } from './blueprints/blueprints.ts'
import { bulkRoutes } from './jobs/bulk.ts'
import { jobControlRoutes } from './jobs/control.ts'
import { bulkPreviewRoutes } from './jobs/preview.ts'
import { auditRoutes } from './audit/audit.ts'
import { authorityRoutes } from './certificates/authorities.ts'
import { challengeRoutes } from './enrolment/challenges.ts'
import { commandRoutes } from './commands/commands.ts'
import { commandTypeRoutes } from './commands/types.ts'
import { contestRoutes } from './devices/contests.ts'
import { deadLetterRoutes } from './webhooks/dead-letters.ts'
import { declarationPutRoutes } from './declarations/put.ts'
import { declarationRoutes } from './declarations/declarations.ts'
import { declarationSetRoutes } from './declarations/sets/sets.ts'
import { declarationStateRoutes } from './declarations/states.ts'
import { declarationTypeRoutes } from './declarations/types.ts'
import { declarationVersionRoutes } from './declarations/versions.ts'
import { deliveryRoutes } from './webhooks/deliveries.ts'
import { depAccountRoutes } from './dep/accounts.ts'
import { depAssignRoutes } from './dep/assign.ts'
import { depDeviceRoutes } from './dep/devices.ts'
import { depProfileRoutes } from './dep/profiles.ts'
import { depReleaseRoutes } from './dep/release.ts'
import { depRuleRoutes } from './dep/rules.ts'
import { depTokenRoutes } from './dep/tokens.ts'
import { deviceDeclarationRoutes } from './declarations/device.ts'
import { deviceListRoutes } from './devices/list.ts'
import { deviceRoutes } from './devices/device.ts'
import { deviceStatusRoutes } from './declarations/status.ts'
import { docsHeaders } from './openapi/docs/headers.ts'
import { healthRoutes } from './health/health.ts'
import { overviewRoutes } from './health/overview.ts'
import { probeRoutes } from './health/probes.ts'
import { fileRoutes } from './declarations/files.ts'
import { enrollmentRoutes } from './enrolment/settings.ts'
import { enrollmentStepRoutes } from './enrolment/steps.ts'
import { escrowRoutes } from './devices/escrow.ts'
import { refreshRoutes } from './devices/refresh.ts'
import { secretCommandRoutes } from './devices/secret-commands.ts'
import { problem } from '../problem.ts'
import { identityRoutes } from './certificates/identities.ts'
import { invitationRoutes } from './enrolment/invitations.ts'
import { keyRoutes } from './keys/keys.ts'
import { ownKeyRoutes } from './keys/own.ts'
import { peopleRoutes } from './keys/people.ts'
import { sealKeyRoutes } from './keys/seal-keys.ts'
import { sessionRoutes } from './keys/sessions.ts'
import { settingRoutes } from './settings/settings.ts'
import { jobRoutes } from './jobs/jobs.ts'
import { knownSerialRoutes } from './enrolment/known-serials.ts'
import { profileRoutes } from './enrolment/profiles.ts'
import { repoManifestRoutes } from './repo/manifest.ts'
import { repoRoutes } from './repo/files.ts'
import { pushCertificateRoutes } from './certificates/push-certificate.ts'
import { renewalRoutes } from './certificates/renewals.ts'
import { rolloutRoutes } from './declarations/rollout.ts'
import { releaseRoutes } from './jobs/releases.ts'
import { replayRoutes } from './jobs/replays.ts'
import { setupPasswordRoutes } from './setup/password.ts'
import { setupRoutes } from './setup/setup.ts'
import { serialNumberRoutes } from './devices/serial-numbers.ts'
import { setMemberRoutes } from './declarations/sets/members.ts'
import { timelineRoutes } from './devices/timeline.ts'
import { heldRoutes } from './commands/held.ts'
import { queueRoutes } from './commands/queue.ts'
import { retryRoutes } from './commands/retry.ts'
import { secretRoutes } from './commands/secrets.ts'
import { unusedCertificateRoutes } from './certificates/unused.ts'
import { waitingRoutes } from './commands/waiting.ts'
import { exportRoutes } from './moves/export.ts'
import { moveItemRoutes } from './moves/items.ts'
import { moveRevealRoutes } from './moves/reveal.ts'
import { moveRoutes } from './moves/moves.ts'
import { postRoutes } from './webhooks/posts.ts'
import { updateDeviceRoutes } from './updates/devices.ts'
import { setupUserRoutes } from './blueprints/users.ts'
import { softwareUpdateRoutes } from './updates/policies.ts'
import { updatePreviewRoutes } from './updates/preview.ts'
import { osVersionRoutes } from './updates/versions.ts'
import { webhookControlRoutes } from './webhooks/control.ts'
import { webhookRoutes } from './webhooks/webhooks.ts'
import { activityRoutes } from './stream/activity.ts'
import { streamRoutes } from './stream/stream.ts'
import { boundedJson, readablePath } from './request.ts'
import { builtFile } from '../built-file.ts'

/**
 * EdgeMDM's own admin API: what MicroMDM's API does not have. To add an operation:
 *
 * 1. In a file of the folder of its subject: `export const thingRoutes = newRoutes()`, then
 *    `thingRoutes.openapi(operation('doThing', 'post', '/things/{id}', {…}), handler)`; see `operation.ts`,
 *    and `paging.ts` for a list. The path is written without `/api`. At most 60 lines, schemas and examples
 *    included.
 * 2. Add the routes to `ROUTES` below.
 * 3. In `PREPARE` of test/worker/openapi-tools.ts, under its id, make what has to exist before the test sends
 *    the examples. test/worker/openapi.test.ts fails for an operation that it cannot run.
 *
 * A handler answers `c.json(…, status)` with a declared status, and throws `RequestError(text, code)` for the
 * rest: validation, 401, 404 and thrown errors all become problem documents.
 */
const ROUTES = [
  deviceListRoutes,
  deviceRoutes,
  timelineRoutes,
  queueRoutes,
  retryRoutes,
  refreshRoutes,
  bulkRoutes,
  bulkPreviewRoutes,
  jobControlRoutes,
  // `/commands/release` comes before `/commands/{id}`, which has other methods.
  releaseRoutes,
  commandRoutes,
  commandTypeRoutes,
  heldRoutes,
  waitingRoutes,
  jobRoutes,
  declarationRoutes,
  declarationPutRoutes,
  declarationVersionRoutes,
  rolloutRoutes,
  declarationStateRoutes,
  declarationTypeRoutes,
  deviceDeclarationRoutes,
  deviceStatusRoutes,
  declarationSetRoutes,
  setMemberRoutes,
  enrollmentRoutes,
  enrollmentStepRoutes,
  invitationRoutes,
  knownSerialRoutes,
  identityRoutes,
  unusedCertificateRoutes,
  contestRoutes,
  serialNumberRoutes,
  renewalRoutes,
  secretCommandRoutes,
  escrowRoutes,
  setupRoutes,
  setupPasswordRoutes,
  secretRoutes,
  authorityRoutes,
  challengeRoutes,
  profileRoutes,
  fileRoutes,
  repoRoutes,
  repoManifestRoutes,
  pushCertificateRoutes,
  webhookRoutes,
  webhookControlRoutes,
  postRoutes,
  deliveryRoutes,
  deadLetterRoutes,
  replayRoutes,
  exportRoutes,
  moveRoutes,
  moveItemRoutes,
  moveRevealRoutes,
  // Its paths come before `/software-updates/{id}`.
  osVersionRoutes,
  updatePreviewRoutes,
  softwareUpdateRoutes,
  updateDeviceRoutes,
  // Its path comes before `/blueprints/{id}`.
  blueprintPreviewRoutes,
  blueprintRoutes,
  setupUserRoutes,
  depTokenRoutes,
  depAccountRoutes,
  depRuleRoutes,
  depProfileRoutes,
  depAssignRoutes,
  depReleaseRoutes,
  depDeviceRoutes,
  streamRoutes,
  activityRoutes,
  auditRoutes,
  // Its path comes before `/keys/{id}`.
  peopleRoutes,
  keyRoutes,
  ownKeyRoutes,
  sealKeyRoutes,
  sessionRoutes,
  settingRoutes,
  healthRoutes,
  overviewRoutes,
  probeRoutes,
]

export const ownFace = newApp()

/** As clients see them. */
export const OPERATIONS = ROUTES.flatMap(({ operations }) =>
  operations.map((operation) => ({ ...operation, path: `/api${operation.path}` })),
)

/** A path of OpenAPI as hono writes it. */
export function routeOf(path: string): string {
  return path.replaceAll(/\{(\w+)\}/g, ':$1')
}

// They need no key, so that a browser does not ask for it. They hold no secret.
ownFace.get('/api/openapi.json', async (c) => {
  const text = await (await builtFile(c.env, 'openapi.json')).text()
  // Without PUBLIC_URL, `/` means the server that the document came from (OpenAPI 3.1, server object).
  const servers = JSON.stringify([{ url: c.var.config.publicUrl || '/' }])
  const headers = { 'content-type': 'application/json' }
  return c.body(`${text.slice(0, -1)},"servers":${servers}}`, { headers })
})
ownFace.get('/api/docs', async (c) => {
  const { body } = await builtFile(c.env, 'docs.html')
  return new Response(body, { headers: docsHeaders() })
})
for (const path of ['/api', '/api/']) {
  ownFace.get(path, (c) =>
    c.text('/api/docs is the documentation\n', 302, { location: '/api/docs' }),
  )
}

ownFace.use('/api/*', ownAuth, readablePath, boundedJson)

for (const routes of ROUTES) {
  ownFace.route('/api', routes)
}

/** Each path and the methods that it has. */
const allowed = new Map([
  ['/api', ['GET']],
  ['/api/', ['GET']],
  ['/api/openapi.json', ['GET']],
  ['/api/docs', ['GET']],
])
for (const { path, method } of OPERATIONS) {
  const methods = allowed.get(path) ?? []
  allowed.set(path, [...methods, method.toUpperCase()])
}
// Behind all routes: only a known path with another method gets here.
for (const [path, methods] of allowed) {
  ownFace.all(routeOf(path), ({ req }) => {
    const allow = methods.join(', ')
    const detail = `${req.path} has no ${req.method}; it has ${allow}`
    return problem('method_not_allowed', detail, { headers: { allow } })
  })
}
