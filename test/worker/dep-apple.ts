import { vi } from 'vitest'
import { wait } from '../../src/clock.ts'
import { clock } from './clock.ts'

/** A record, as Apple has it. */
export type AppleDevice = Record<string, string> & { serial_number: string }

/** What a fault answers in place of the service. `drop`: the connection ends. */
export interface Fault {
  readonly path: string
  readonly times: number
  readonly status?: number
  readonly body?: string
  readonly headers?: Record<string, string>
  readonly drop?: boolean
  /** Calls of the path that pass before. */
  readonly after?: number
}

export interface AppleCall {
  readonly method: string
  readonly path: string
  readonly body: Record<string, unknown>
  readonly headers: Headers
  readonly at: number
}

type Answer = Readonly<{ status: number; json: unknown }>

const HOST = 'https://mdmenrollment.apple.com'
const ok = (json: unknown): Answer => ({ status: 200, json })
const refuse = (word: string, status = 400): Answer => ({ status, json: word })

/** Apple's service, scripted: a list of devices, a stream of changes, profiles, sessions and faults. */
export class Apple {
  readonly calls: AppleCall[] = []
  readonly devices = new Map<string, AppleDevice>()
  readonly ops: AppleDevice[] = []
  readonly profiles = new Map<string, Record<string, unknown>>()
  /** Apple's word for a serial number in place of SUCCESS; `missing` leaves it out of the answer. */
  readonly words = new Map<string, string>()
  account: Record<string, unknown> = {
    server_uuid: crypto.randomUUID(),
    server_name: 'Test',
    org_name: 'Org',
  }
  pageSize = 1000
  /** Calls of this path are answered when it is another one. */
  held = ''
  retryAfter: number | undefined
  sessions = new Set<string>()
  /** Each answer brings a new session, which ends the one before. */
  rotates = false
  #faults: (Fault & { left: number; skip: number })[] = []
  #lists: AppleDevice[][] = []

  constructor() {
    const real = globalThis.fetch
    vi.spyOn(globalThis, 'fetch').mockImplementation(async (input, init) => {
      const request = new Request(input, init)
      return request.url.startsWith(`${HOST}/`) ? this.#serve(request) : real(input, init)
    })
  }

  fault(fault: Fault): void {
    this.#faults.push({ ...fault, left: fault.times, skip: fault.after ?? 0 })
  }

  /** New devices without a profile. */
  add(serials: readonly string[], more: Record<string, string> = {}): void {
    for (const serial of serials) {
      const device = { serial_number: serial, model: 'iPad', profile_status: 'empty', ...more }
      this.devices.set(serial, device)
      this.tell('added', serial)
    }
  }

  change(serial: string, more: Record<string, string>, type = 'modified'): void {
    this.devices.set(serial, { ...this.of(serial), ...more })
    this.tell(type, serial)
  }

  /** Takes a device away. */
  remove(serial: string): void {
    this.tell('deleted', serial)
    this.devices.delete(serial)
  }

  of(serial: string): AppleDevice {
    return this.devices.get(serial) ?? { serial_number: serial }
  }

  tell(type: string, serial: string, at = clock.now()): void {
    this.ops.push({ ...this.of(serial), op_type: type, op_date: new Date(at).toISOString() })
  }

  paths(): string[] {
    return this.calls.map(({ path }) => path)
  }

  /** The serial numbers of each assignment. */
  assignments(): string[][] {
    return this.calls
      .filter(({ path, method }) => path === '/profile/devices' && method === 'POST')
      .map(({ body }) => body['devices'] as string[])
  }

  async #serve(request: Request): Promise<Response> {
    const { pathname } = new URL(request.url)
    const text = await request.text()
    const body = JSON.parse(text || '{}') as Record<string, unknown>
    const call = { method: request.method, path: pathname, body, headers: request.headers }
    this.calls.push({ ...call, at: clock.now() })
    while (this.held === pathname) {
      await wait(0)
    }
    const fault = this.#faultFor(pathname)
    if (fault?.drop) {
      throw new Error('connection lost')
    }
    if (fault) {
      return new Response(fault.body ?? '', {
        status: fault.status ?? 200,
        headers: fault.headers ?? {},
      })
    }
    const session = request.headers.get('x-adm-auth-session') ?? ''
    if (pathname === '/session') {
      return Response.json({ auth_session_token: this.#newSession() })
    }
    if (!this.sessions.has(session)) {
      return new Response('UNAUTHORIZED', { status: 401 })
    }
    const { status, json } = this.#answer(request.method, pathname, body)
    const renewed = this.rotates ? { 'x-adm-auth-session': this.#newSession() } : undefined
    const answer = typeof json === 'string' ? json : JSON.stringify(json)
    return new Response(answer, { status, headers: renewed ?? {} })
  }

  #newSession(): string {
    const session = crypto.randomUUID()
    this.sessions = new Set([session])
    return session
  }

  #faultFor(path: string): Fault | undefined {
    const found = this.#faults.find((one) => one.path === path && one.left > 0)
    if (!found) {
      return undefined
    }
    if (found.skip > 0) {
      found.skip -= 1
      return undefined
    }
    found.left -= 1
    return found
  }

  #answer(method: string, path: string, body: Record<string, unknown>): Answer {
    const serials = (body['devices'] ?? []) as string[]
    switch (path) {
      case '/account':
        return ok(this.account)
      case '/server/devices':
        return this.#list(body['cursor'])
      case '/devices/sync':
        return this.#sync(body['cursor'])
      case '/devices':
        return ok({ devices: Object.fromEntries(serials.map((one) => [one, this.#detail(one)])) })
      case '/profile': {
        const uuid = crypto.randomUUID().toUpperCase()
        this.profiles.set(uuid, body)
        return ok({ profile_uuid: uuid, devices: {} })
      }
      case '/profile/devices':
        return this.#assign(method, String(body['profile_uuid']), serials)
      default:
        return refuse('NOT_FOUND', 404)
    }
  }

  #detail(serial: string): AppleDevice {
    const device = this.devices.get(serial)
    return device
      ? { ...device, response_status: 'SUCCESS' }
      : { serial_number: serial, response_status: 'NOT_ACCESSIBLE' }
  }

  #list(cursor: unknown): Answer {
    if (cursor === undefined) {
      this.#lists.push([...this.devices.values()])
    }
    const start = `f.${this.#lists.length - 1}.0.${this.ops.length}`
    const [kind, ...place] = (typeof cursor === 'string' ? cursor : start).split('.')
    const [list = 0, from = 0, ops = 0] = place.map(Number)
    if (kind === 's') {
      return refuse('EXHAUSTED_CURSOR')
    }
    const devices = this.#lists[list]
    if (!devices) {
      return refuse('INVALID_CURSOR')
    }
    const to = from + this.pageSize
    const more = to < devices.length
    const next = more ? `f.${list}.${to}.${ops}` : `s.${ops}`
    return ok({ cursor: next, devices: devices.slice(from, to), more_to_follow: more })
  }

  #sync(cursor: unknown): Answer {
    const from = /^s\.(\d+)$/.exec(String(cursor))?.[1]
    if (from === undefined) {
      return refuse('INVALID_CURSOR')
    }
    const to = Number(from) + this.pageSize
    const more = to < this.ops.length
    const next = `s.${Math.min(to, this.ops.length)}`
    return ok({ cursor: next, devices: this.ops.slice(Number(from), to), more_to_follow: more })
  }

  #assign(method: string, uuid: string, serials: readonly string[]): Answer {
    const words: Record<string, string> = {}
    for (const serial of serials) {
      const word =
        this.words.get(serial) ?? (this.devices.has(serial) ? 'SUCCESS' : 'NOT_ACCESSIBLE')
      if (word === 'SUCCESS') {
        const time = new Date(clock.now()).toISOString()
        this.change(
          serial,
          method === 'DELETE'
            ? { profile_status: 'removed' }
            : { profile_uuid: uuid, profile_status: 'assigned', profile_assign_time: time },
        )
      }
      if (word !== 'missing') {
        words[serial] = word
      }
    }
    const more = this.retryAfter === undefined ? {} : { retry_after_seconds: this.retryAfter }
    return ok({ profile_uuid: uuid, devices: words, ...more })
  }
}
