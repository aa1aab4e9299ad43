import { clock } from '../../clock.ts'
import { CHECKS, findingsOf, isReady } from '../../health/checks.ts'
import { fullFacts, quickFacts } from '../../health/facts.ts'
import type { Finding } from '../../health/finding.ts'
import type { AppContext } from '../app-env.ts'
import { fullVersion } from '../version.ts'

/** That the isolate runs. It needs no key, no setting and no storage. */
export function answerAlive(c: AppContext, version: string): Response {
  const now = new Date(clock.now()).toISOString()
  return c.json({ ok: true, version, now }, 200, { 'cache-control': 'no-store' })
}

/** Whether the server can do its work; with `reasons` also what is wrong. */
export async function answerReady(c: AppContext, reasons: boolean): Promise<Response> {
  const facts = await quickFacts(c.env, c.var.config)
  const ready = isReady(facts)
  const degraded = findingsOf(facts).map(({ id, ...finding }) => ({ id, ...findingJson(finding) }))
  return c.json(reasons ? { ready, degraded } : { ready }, ready ? 200 : 503, {
    'cache-control': 'no-store',
  })
}

/** All checks, after a look at all that they are about. */
export async function readHealth({ env, req, var: { config } }: AppContext) {
  const facts = await fullFacts(env, config, new URL(req.url).origin)
  return {
    ready: isReady(facts),
    checked_at: new Date(facts.now).toISOString(),
    version: fullVersion,
    public_url: config.publicUrl || null,
    push_topic: facts.inside.topic || null,
    seal_keys: [...config.sealer.keyIds],
    checks: CHECKS.map(({ id, title, find }) => {
      const findings = find(facts)
      return {
        id,
        title,
        known: findings !== undefined,
        findings: (findings ?? []).map(findingJson),
      }
    }),
  }
}

export function findingJson({ level, text, fix, since, webhook }: Finding) {
  return {
    since: since > 0 ? new Date(since).toISOString() : null,
    level,
    text,
    fix,
    webhook_id: webhook ?? null,
  }
}
