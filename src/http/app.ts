import { mayHoldMoreKeys, prepareConfig } from '../config/claim.ts'
import { configOf } from '../config/config.ts'
import { clock } from '../clock.ts'
import { announceCertificate } from '../device/push/gate.ts'
import { reportCounts } from '../figures/report.ts'
import { reportSteps } from '../figures/steps.ts'
import { inBackground, laterIn } from '../guard.ts'
import { requestId } from '../request-id.ts'
import { newApp } from './app-env.ts'
import { countDeviceRequest } from './device/counted.ts'
import { enrollFace } from './device/enrolment/routes.ts'
import { fileFace } from './device/files.ts'
import { deviceFace } from './device/face.ts'
import { scepFace } from './device/scep.ts'
import { isForDevices, notFound, onError } from './errors.ts'
import { healthFace } from './health/face.ts'
import { answerAlive } from './health/probes.ts'
import { refuseHost } from './host.ts'
import { kmfddmFace } from './kmfddm/face.ts'
import { micromdmFace } from './micromdm/v1-routes.ts'
import { sessionFace } from './console/session.ts'
import { shellFace } from './console/shell.ts'
import { fullVersion } from './version.ts'
import { nanomdmFace } from './nanomdm/face.ts'
import { notReady } from './not-ready.ts'
import { ownFace } from './api/face.ts'
import { HEALTHZ } from './paths.ts'
import { repoFace } from './repo/face.ts'
import { setupFace } from './setup/face.ts'

const SETUP = /^\/setup(\/|$)/

/** All routes of the Worker. */
export const app = newApp()

app.use(async (c, next) => {
  await next()
  countDeviceRequest(c.req, c.res.status)
  const later = (work: Promise<void>): void => {
    c.executionCtx.waitUntil(work)
  }
  reportCounts(c.env, later)
  reportSteps(c.env, later)
  // A 400 or 403 without this header is a firewall's.
  c.res.headers.set('edgemdm', fullVersion)
  const id = requestId()
  if (id !== undefined && !isForDevices(c.req.path)) {
    c.res.headers.set('x-request-id', id)
  }
})
// Before the settings are read: it answers without any.
app.get(HEALTHZ, (c) => answerAlive(c, fullVersion))
app.use(async (c, next) => {
  const refused = refuseHost(c)
  if (refused) {
    return refused
  }
  const waiting = prepareConfig(c.env, laterIn(c.executionCtx))
  if (waiting) {
    await waiting
  }
  const result = configOf(c.env)
  if (!result.ok) {
    // The owner of a new server comes before its settings.
    return SETUP.test(c.req.path) ? next() : notReady(c, result)
  }
  c.set('config', result.config)
  c.set('mayLackKeys', mayHoldMoreKeys(c.env))
  const announcing = announceCertificate(c.env, result.config, clock.now())
  if (announcing) {
    inBackground(c.executionCtx, announcing)
  }
  return next()
})
app.route('/', setupFace)
app.route('/', deviceFace)
app.route('/', fileFace)
app.route('/', enrollFace)
app.route('/', scepFace)
// Before MicroMDM's, which guards all of `/v1`, and ours, which guards all of `/api`.
app.route('/', kmfddmFace)
app.route('/', micromdmFace)
app.route('/', repoFace)
app.route('/', healthFace)
app.route('/', nanomdmFace)
app.route('/', sessionFace)
app.route('/', shellFace)
app.route('/', ownFace)
app.onError(onError)
app.notFound(notFound)
