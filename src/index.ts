import { Hono } from 'hono'
import { configOf } from './config.ts'
import { consume } from './delivery/consumer.ts'
import type { Announcement } from './device/object.ts'
import { warnOfPushExpiry } from './device/push-certificate.ts'
import { tellCertificate } from './device/push-gate.ts'
import type { Env } from './env.ts'
import type { AppEnv } from './http/app-env.ts'
import { enrollFace } from './http/device/enroll.ts'
import { deviceFace } from './http/device/face.ts'
import { scep } from './http/device/scep.ts'
import { micromdmFace } from './http/micromdm/face.ts'
import { ownFace } from './http/api/face.ts'
import { notFound, onError, refuse } from './http/errors.ts'
import { warn } from './log.ts'

export { Job } from './delivery/job.ts'
export { Push } from './delivery/push.ts'
export { Subscriber } from './delivery/subscriber.ts'
export { Device } from './device/object.ts'

const app = new Hono<AppEnv>()

app.use(async (c, next) => {
  const result = configOf(c.env)
  if (!result.ok) {
    const problems = result.problems.join('; ')
    warn('config:incomplete', { problems })
    return refuse(c.req.path, 503, `EdgeMDM is not configured: ${problems}`)
  }
  c.set('config', result.config)
  const telling = tellCertificate(c.env, result.config, Date.now())
  if (telling) {
    c.executionCtx.waitUntil(telling)
  }
  return next()
})
app.route('/', deviceFace)
app.route('/', enrollFace)
app.route('/', scep)
app.route('/', micromdmFace)
app.route('/', ownFace)
app.onError(onError)
app.notFound(notFound)

export default {
  fetch: app.fetch,
  queue: consume,
  async scheduled(_, env) {
    const result = configOf(env)
    if (result.ok) {
      await warnOfPushExpiry(env, result.config, Date.now())
    }
  },
} satisfies ExportedHandler<Env, Announcement>
