import { Hono } from 'hono'
import { configOf } from './config.ts'
import { consume } from './delivery/consumer.ts'
import type { Announcement } from './device/object.ts'
import { tellCertificate } from './device/push-gate.ts'
import type { Env } from './env.ts'
import type { AppEnv } from './http/app-env.ts'
import { deviceFace } from './http/device/face.ts'
import { micromdmFace } from './http/micromdm/face.ts'
import { ownFace } from './http/api/face.ts'
import { notFound, onError } from './http/errors.ts'
import { warn } from './log.ts'

export { Push } from './delivery/push.ts'
export { Subscriber } from './delivery/subscriber.ts'
export { Device } from './device/object.ts'

const app = new Hono<AppEnv>()

app.use(async (c, next) => {
  const result = configOf(c.env)
  if (!result.ok) {
    warn('config:incomplete', { problems: result.problems.join('; ') })
    return c.json({ error: `EdgeMDM is not configured: ${result.problems.join('; ')}` }, 503)
  }
  c.set('config', result.config)
  c.executionCtx.waitUntil(tellCertificate(c.env, result.config))
  return next()
})
app.route('/', deviceFace)
app.route('/', micromdmFace)
app.route('/', ownFace)
app.onError(onError)
app.notFound(notFound)

export default {
  fetch: app.fetch,
  queue: consume,
} satisfies ExportedHandler<Env, Announcement>
