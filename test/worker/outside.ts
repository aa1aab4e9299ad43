import { glob, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { Response, type Request } from 'miniflare'

/** What a test tells the outside to do with matching requests, `times` of them. */
export interface Rule {
  /** `webhook`, `apns` or `ddm`. */
  readonly on: string
  /** A request matches when its URL or body contains this. */
  readonly match: string
  readonly status: number
  readonly times: number
  readonly headers?: Record<string, string>
  readonly body?: string
  /** The request is seen, and answered when the test releases it. */
  readonly held?: boolean
}

export interface Seen {
  readonly on: string
  readonly method: string
  readonly url: string
  readonly headers: Record<string, string>
  readonly body: string
  readonly status: number
}

/**
 * Everything beyond the Worker, in Node: webhook receiver, APNs and DDM server. Tests steer it by fetching
 * `http://control.test/…`, because they run in workerd.
 */
export function createOutside(): {
  internet(request: Request): Promise<Response>
  apns(request: Request): Promise<Response>
} {
  const seen: Seen[] = []
  let rules: (Rule & { left: number })[] = []
  let held: (() => void)[] = []

  async function take(on: string, request: Request, fallback: () => Response): Promise<Response> {
    const body = await request.text()
    const text = `${request.url}\n${body}\n${decodedPayload(body)}`
    const rule = rules.find(
      (candidate) => candidate.on === on && candidate.left > 0 && text.includes(candidate.match),
    )
    if (rule) {
      rule.left -= 1
    }
    const response = rule
      ? new Response(rule.body ?? null, {
          status: rule.status,
          ...(rule.headers ? { headers: rule.headers } : {}),
        })
      : fallback()
    seen.push({
      on,
      method: request.method,
      url: request.url,
      headers: Object.fromEntries(request.headers),
      body,
      status: response.status,
    })
    if (rule?.held) {
      await new Promise<void>((resolve) => held.push(resolve))
    }
    return response
  }

  function releaseAll(): void {
    for (const answer of held) {
      answer()
    }
    held = []
  }

  async function control(request: Request): Promise<Response> {
    const url = new URL(request.url)
    if (url.pathname === '/rules') {
      rules.push({ ...((await request.json()) as Rule), left: 0 })
      const added = rules.at(-1)
      if (added) {
        added.left = added.times
      }
      return new Response(null)
    }
    if (url.pathname === '/release') {
      releaseAll()
      return new Response(null)
    }
    if (url.pathname === '/reset') {
      rules = []
      releaseAll()
      return new Response(null)
    }
    if (url.pathname === '/forget') {
      rules = []
      releaseAll()
      seen.length = 0
      await forget(url.searchParams.get('id') ?? '')
      return new Response(null)
    }
    const match = url.searchParams.get('match') ?? ''
    return Response.json(
      seen.filter(({ url: at, body }) => `${at}\n${body}\n${decodedPayload(body)}`.includes(match)),
    )
  }

  return {
    internet: (request) => {
      const { hostname } = new URL(request.url)
      switch (hostname) {
        case 'control.test':
          return control(request)
        case 'ddm.test':
          return take('ddm', request, () => new Response('{}', { status: 200 }))
        default:
          return take('webhook', request, () => new Response(null, { status: 200 }))
      }
    },
    apns: (request) =>
      take(
        'apns',
        request,
        () =>
          new Response(null, {
            status: 200,
            headers: { 'apns-id': request.headers.get('apns-id') ?? 'none' },
          }),
      ),
  }
}

/** Removes the storage of all objects in the runtime that holds this one. None of them runs. */
async function forget(id: string): Promise<void> {
  for await (const marker of glob(join(tmpdir(), 'miniflare-*/*/*', `${id}.sqlite`))) {
    for await (const file of glob(join(dirname(marker), '../../*/*/*.sqlite*'))) {
      // Workerd's own, of the namespace.
      if (!basename(file).startsWith('metadata.')) {
        await rm(file, { force: true })
      }
    }
  }
}

function decodedPayload(body: string): string {
  const payload = /"raw_payload": "([^"]*)"/.exec(body)?.[1]
  return payload ? Buffer.from(payload, 'base64').toString('utf8') : ''
}
