import { writeMetrics } from '../../health/metrics.ts'
import { newApp } from '../app-env.ts'
import { ownAuth } from '../access/gate.ts'
import { version } from '../version.ts'
import { READYZ } from '../paths.ts'
import { answerReady } from './probes.ts'

/** What monitors ask (docs/health.md). */
export const healthFace = newApp()

// Without a key it says one word, so that a load balancer needs none.
healthFace.get(READYZ, async (c, next) =>
  c.req.header('authorization') === undefined ? answerReady(c, false) : next(),
)
healthFace.get(READYZ, ownAuth, (c) => answerReady(c, true))
healthFace.get('/metrics', ownAuth, async (c) =>
  c.body(await writeMetrics(c.env, c.var.config, version.version), 200, {
    'content-type': 'text/plain; version=0.0.4; charset=utf-8',
  }),
)
