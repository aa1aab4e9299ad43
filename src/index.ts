import { clock } from './clock.ts'
import { configOf } from './config/config.ts'
import { consume } from './consumer.ts'
import { DepAccount } from './dep-account/object.ts'
import { Job } from './jobs/job.ts'
import { Push } from './push-circuit/push.ts'
import { Poster, Subscriber } from './webhooks/subscriber.ts'
import { Device } from './device/object.ts'
import type { Announcement } from './device/runtime/runtime.ts'
import { announceCertificate } from './device/push/gate.ts'
import type { Env } from './env.ts'
import { newApp } from './http/app-env.ts'
import { enrollFace } from './http/device/enrolment/routes.ts'
import { fileFace } from './http/device/files.ts'
import { deviceFace } from './http/device/face.ts'
import { scepFace } from './http/device/scep.ts'
import { kmfddmFace } from './http/kmfddm/face.ts'
import { micromdmFace } from './http/micromdm/v1-routes.ts'
import { version } from './http/micromdm/version.ts'
import { repoFace } from './http/repo/face.ts'
import { nanomdmFace } from './http/nanomdm/face.ts'
import { ownFace } from './http/api/face.ts'
import { isForDevices, notFound, onError, errorResponse } from './http/errors.ts'
import { guardObject, inBackground } from './guard.ts'
import { idOf } from './http/caller.ts'
import { refuseHost } from './http/host.ts'
import { warn } from './log.ts'
import { carrying, forRequest, requestId } from './request-id.ts'
import { runDailyDuties } from './cron.ts'

for (const object of [DepAccount, Job, Push, Subscriber, Device]) {
  guardObject(object)
}

export { DepAccount, Job, Push, Subscriber, Device, Poster }

const app = newApp()

app.use(async (c, next) => {
  await next()
  // A 400 or 403 without this header is a firewall's.
  c.res.headers.set('edgemdm', version.version)
  const id = requestId()
  if (id !== undefined && !isForDevices(c.req.path)) {
    c.res.headers.set('x-request-id', id)
  }
})
app.use(async (c, next) => {
  const refused = refuseHost(c)
  if (refused) {
    return refused
  }
  const result = configOf(c.env)
  if (!result.ok) {
    const problems = result.problems.join('; ')
    warn('config:incomplete', { problems })
    return errorResponse(c.req.path, 'not_configured', `EdgeMDM is not configured: ${problems}`)
  }
  c.set('config', result.config)
  const announcing = announceCertificate(c.env, result.config, clock.now())
  if (announcing) {
    inBackground(c.executionCtx, announcing)
  }
  return next()
})
app.route('/', deviceFace)
app.route('/', fileFace)
app.route('/', enrollFace)
app.route('/', scepFace)
// Before MicroMDM's, which guards all of `/v1`, and ours, which guards all of `/api`.
app.route('/', kmfddmFace)
app.route('/', micromdmFace)
app.route('/', repoFace)
app.route('/', nanomdmFace)
app.route('/', ownFace)
app.onError(onError)
app.notFound(notFound)

const bound = new WeakMap<Env, Env>()

/** The bindings, with objects that get the id of the request. Each request has the same ones. */
function carryingEnv(env: Env): Env {
  const known = bound.get(env) ?? {
    ...env,
    DEVICE: carrying(env.DEVICE),
    SUBSCRIBER: carrying(env.SUBSCRIBER),
    DEP: carrying(env.DEP),
    JOB: carrying(env.JOB),
    PUSH: carrying(env.PUSH),
  }
  bound.set(env, known)
  return known
}

export default {
  fetch: (request: Request, env, context) =>
    forRequest(idOf(request, env), () => app.fetch(request, carryingEnv(env), context)),
  queue: consume,
  async scheduled(_, env) {
    const result = configOf(env)
    if (!result.ok) {
      return
    }
    await runDailyDuties(env, result.config)
  },
} satisfies ExportedHandler<Env, Announcement>
