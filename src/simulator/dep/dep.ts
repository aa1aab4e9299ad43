/**
 * A simulated device assignment service of Apple (Apple: "Device Assignment"): a function from Request to
 * Response with a portal beside it, so that a test can call it without a socket.
 */
import { randomBytes } from 'node:crypto'
import { createIssuer, type Issuer } from '../device/identity.ts'
import type { Random } from '../device/platforms.ts'
import { type RunningDep, serveApple } from './answer.ts'
import {
  addAbmDevice,
  abmDevice,
  modifyAbmDevice,
  moveAbmDevice,
  type NewAbmDevice,
  removeAbmDevice,
  replaceAbmDevice,
} from './devices.ts'
import { type DepFault, newDepFaults } from './faults.ts'
import {
  activateByPortal,
  type DepActivation,
  downloadToken,
  servePortal,
} from './portal/portal.ts'
import { type TokenFileForm, tokenJson } from './portal/token-file.ts'
import type { Blame, DepBehaviour, DepCallSeen, DepService, ScriptedOutcome } from './service.ts'
import { type AbmServer, type AbmState, newAbmState, newAccessToken, newServer } from './state.ts'

export interface SimulatedDepOptions {
  /** Milliseconds since 1970. */
  readonly now?: () => number
  readonly random?: Random
  /** Waits for the faults that delay. */
  readonly wait?: (ms: number) => Promise<void>
  /** Continues an earlier service. */
  readonly state?: AbmState
  /** Signs the certificates of devices; without it a new CA. */
  readonly deviceCa?: Issuer
  /** Called after each request that may have changed the state. */
  readonly changed?: () => void
}

/** The parts of a server are named by its `server_uuid`; without one the first server is meant. */
export interface SimulatedDep {
  /** Answers Apple's calls and those of the portal. Rejects where a fault drops the connection. */
  readonly handle: (request: Request) => Promise<Response>
  readonly state: AbmState
  readonly behaviour: DepBehaviour
  readonly blame: readonly Blame[]
  readonly calls: readonly DepCallSeen[]
  logins(): number
  /** Lets time pass at Apple: cursors, sessions and tokens age, and OAuth's window stays. */
  turn(ms: number): void
  server(uuid?: string): AbmServer
  addServer(name: string): AbmServer
  /** A new token, in clear; the earlier ones end. */
  newToken(uuid?: string, life?: number): Record<string, string>
  /** A new token as the portal's file for the uploaded certificate. */
  tokenFile(certificatePem: string, form?: TokenFileForm, uuid?: string): string
  /** All cursors become invalid, as after a restore. */
  forgetCursors(uuid?: string): void
  dropSessions(): void
  add(device: NewAbmDevice, uuid?: string): void
  modify(serial: string, facts: Readonly<Record<string, unknown>>): void
  remove(serial: string): void
  move(serial: string, uuid: string, as?: 'added' | 'modified'): void
  replace(serial: string, by: string): void
  /** Whether Apple throttles it: its changes are missing from the stream, for good. */
  hide(serial: string, hidden: boolean): void
  /** What the service does to the device at the next assignments. */
  outcome(serial: string, outcome: Omit<ScriptedOutcome, 'times'> & { times?: number }): void
  /** The returned function ends the fault. */
  fail(fault: DepFault): () => void
  /** A device in Setup Assistant asks for its profile; undefined when it has none. */
  activate(serial: string): DepActivation | undefined
  /** Calls with each device that gets a profile. The returned function ends it. */
  onAssigned(tell: (serial: string) => void): () => void
  deviceCa(): Issuer
}

const YEAR = 365 * 86_400_000

/** As far as it is known, as Apple's service behaves. */
const DEFAULT_BEHAVIOUR: DepBehaviour = {
  sessionLifetime: 15 * 60_000,
  rotateEvery: 0,
  oneSession: false,
  refusedSession: { status: 401, word: 'UNAUTHORIZED' },
  overlap: 0,
  duplicates: false,
  sameCursor: 0,
  unknownSerial: 'NOT_ACCESSIBLE',
  mayDisown: true,
  activationLock: 'SUCCESS',
}

export function createSimulatedDep(options: SimulatedDepOptions = {}): SimulatedDep {
  const running = newRunning(options)
  let { deviceCa } = options
  const ca = (): Issuer => (deviceCa ??= createIssuer({ commonName: 'Simulated Device CA' }))
  const server = (uuid?: string): AbmServer => serverOf(running, uuid)
  return {
    async handle(request) {
      const answer = await serve(running, ca, request)
      options.changed?.()
      return answer
    },
    state: running.state,
    behaviour: running.behaviour,
    blame: running.blame,
    calls: running.calls,
    logins: () => running.logins,
    turn(ms) {
      running.shift += ms
    },
    server,
    addServer(name) {
      const added = newServer(name, running.random)
      running.state.servers[added.uuid] = added
      return added
    },
    newToken(uuid, life = YEAR) {
      const token = newAccessToken(server(uuid), running.random, running.now() + life)
      return tokenJson(server(uuid), token)
    },
    tokenFile(certificatePem, form, uuid) {
      server(uuid).certificate = certificatePem
      return downloadToken(running, server(uuid), form)
    },
    forgetCursors(uuid) {
      Object.assign(server(uuid), { epoch: server(uuid).epoch + 1, cursorLives: false })
    },
    dropSessions: () => running.sessions.clear(),
    add: (device, uuid) => void addAbmDevice(running, server(uuid), device),
    modify: (serial, facts) => modifyAbmDevice(running, serial, facts),
    remove: (serial) => removeAbmDevice(running, serial),
    move: (serial, uuid, as) => moveAbmDevice(running, serial, server(uuid), as),
    replace: (serial, by) => replaceAbmDevice(running, serial, by),
    hide(serial, hidden) {
      abmDevice(running, serial).hidden = hidden
    },
    outcome: (serial, { times = 1, ...rest }) =>
      void running.outcomes.set(serial, { ...rest, times }),
    fail: (fault) => running.faults.add(fault),
    activate: (serial) => activateByPortal(running, { deviceCa: ca }, serial),
    onAssigned(tell) {
      running.assigned.add(tell)
      return () => {
        running.assigned.delete(tell)
      }
    },
    deviceCa: ca,
  }
}

async function serve(
  running: RunningDep,
  deviceCa: () => Issuer,
  request: Request,
): Promise<Response> {
  const { method, url } = request
  return /^\/portal(\/|$)/.test(new URL(url).pathname)
    ? servePortal(running, { deviceCa }, { method, url, body: await request.text() })
    : serveApple(running, request)
}

function newRunning(options: SimulatedDepOptions): RunningDep {
  const { now = Date.now, random = (length) => new Uint8Array(randomBytes(length)) } = options
  const running: RunningDep = {
    state: options.state ?? newAbmState(random),
    oauthNow: now,
    now: () => now() + running.shift,
    random,
    behaviour: { ...DEFAULT_BEHAVIOUR },
    sessions: new Map(),
    nonces: new Set(),
    outcomes: new Map(),
    throttled: new Map(),
    blame: [],
    exhausted: new Set(),
    assigned: new Set(),
    faults: newDepFaults(),
    calls: [],
    wait: options.wait ?? waitByTimer,
    shift: 0,
    logins: 0,
  }
  return running
}

function serverOf({ state }: DepService, uuid?: string): AbmServer {
  const found = uuid === undefined ? Object.values(state.servers)[0] : state.servers[uuid]
  if (!found) {
    throw new Error(`no server ${uuid}`)
  }
  return found
}

async function waitByTimer(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms))
}
