import { prepareConfig } from './config/claim.ts'
import { configOf } from './config/config.ts'
import { consume } from './consumer.ts'
import { Audit } from './audit/object.ts'
import { Control } from './control/object.ts'
import { DepAccount } from './dep-account/object.ts'
import { Job } from './jobs/job.ts'
import { Live } from './live/object.ts'
import { Push } from './push-circuit/push.ts'
import { Poster, Subscriber } from './webhooks/subscriber.ts'
import { Device } from './device/object.ts'
import type { Announcement } from './device/runtime/runtime.ts'
import type { Env } from './env.ts'
import { app } from './http/app.ts'
import { guardObject, laterIn } from './guard.ts'
import { idOf } from './http/caller.ts'
import { carrying, forRequest } from './request-id.ts'
import { Duties, runDailyDuties } from './cron.ts'
import { guardSchema } from './storage/schema.ts'

// A Device has the form of its rows in the row that it reads first.
for (const [name, object] of Object.entries({
  Audit,
  Control,
  DepAccount,
  Job,
  Live,
  Push,
  Subscriber,
})) {
  guardSchema(name, object)
}
for (const object of [Audit, DepAccount, Job, Live, Push, Subscriber, Device]) {
  guardObject(object)
}
// It is what the others ask.
guardObject(Control, () => undefined)

export { Audit, Control, DepAccount, Job, Live, Push, Subscriber, Device, Poster, Duties }

const bound = new WeakMap<Env, Env>()

/** The bindings, with objects that get the id of the request. Each request has the same ones. */
function carryingEnv(env: Env): Env {
  const known = bound.get(env) ?? {
    ...env,
    DEVICE: carrying(env.DEVICE),
    SUBSCRIBER: carrying(env.SUBSCRIBER),
    DEP: carrying(env.DEP),
    CONTROL: carrying(env.CONTROL),
    AUDIT: carrying(env.AUDIT),
    JOB: carrying(env.JOB),
    PUSH: carrying(env.PUSH),
  }
  bound.set(env, known)
  return known
}

export default {
  fetch: (request: Request, env, context) =>
    forRequest(idOf(request, env), () => app.fetch(request, carryingEnv(env), context)),
  async queue(batch, env, context) {
    await prepareConfig(env, laterIn(context))
    await consume(batch, env, context)
  },
  async scheduled(_, env, context) {
    await prepareConfig(env, laterIn(context))
    const result = configOf(env)
    if (!result.ok) {
      return
    }
    await runDailyDuties(env, result.config)
  },
} satisfies ExportedHandler<Env, Announcement>
