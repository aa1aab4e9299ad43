import { dirname, relative, resolve } from 'node:path'

const CRYPTO = ['node:crypto', 'node:buffer']
const OBJECT = [...CRYPTO, 'cloudflare:workers']
/** Rooms with a list of their own are known by it: these need the Worker. */
const SQL = [...CRYPTO]
const HTTP = [...CRYPTO, 'hono', '@hono/zod-openapi', 'zod', 'uqr']
const CONSOLE = ['preact', '@preact/signals', 'uqr']
const NODE = ['node:', 'miniflare', 'esbuild', 'wrangler', 'uqr']

/**
 * The rooms of `src`, and the packages that each may import. A room imports only the rooms above it, types
 * included. A Node program imports only Node programs and rooms that run without a platform. A new room is
 * one line here.
 */
const ROOMS: readonly (readonly [room: string, packages: readonly string[]])[] = [
  ['reason.ts', []],
  ['bounded-text.ts', []],
  ['plist', ['plist']],
  ['apple', ['leven']],
  ['mdm', []],
  ['ddm', CRYPTO],
  ['push', []],
  ['commands', []],
  ['command-types', []],
  ['events', []],
  ['keys', CRYPTO],
  ['pki/asn1', CRYPTO],
  ['pki/x509', CRYPTO],
  ['pki/cms', CRYPTO],
  ['pki/seal', CRYPTO],
  ['enroll', []],
  ['scep', CRYPTO],
  ['dep', CRYPTO],
  ['blueprints', CRYPTO],
  ['migration', CRYPTO],
  ['live/watched.ts', []],
  ['request-id.ts', ['node:async_hooks']],
  ['clock.ts', []],
  ['figures', []],
  ['log.ts', []],
  ['same-secret.ts', CRYPTO],
  ['config', CRYPTO],
  ['guard.ts', []],
  ['storage', []],
  ['live', OBJECT],
  ['device/store', CRYPTO],
  ['device/outbox', CRYPTO],
  ['device/queue', CRYPTO],
  ['device/standing', CRYPTO],
  ['device/push', CRYPTO],
  ['device/declarations', CRYPTO],
  ['device/setup', CRYPTO],
  ['device/enrolment', CRYPTO],
  ['device/moved', CRYPTO],
  ['device/views', CRYPTO],
  ['device', OBJECT],
  ['directory/schema.ts', ['drizzle-orm']],
  ['directory/declarations/schema.ts', ['drizzle-orm']],
  ['directory/updates/schema.ts', ['drizzle-orm']],
  ['directory/dep/schema.ts', ['drizzle-orm']],
  ['directory/blueprints/schema.ts', ['drizzle-orm']],
  ['directory', SQL],
  ['directory/moves', SQL],
  ['directory/declarations', SQL],
  ['directory/devices', SQL],
  ['directory/updates', SQL],
  ['directory/dep', SQL],
  ['directory/blueprints', SQL],
  ['directory/health', SQL],
  ['device/reach.ts', []],
  ['webhooks', OBJECT],
  ['identity', CRYPTO],
  ['repo', CRYPTO],
  ['dep-account', OBJECT],
  ['setup', CRYPTO],
  ['audit', OBJECT],
  ['control', OBJECT],
  ['jobs', OBJECT],
  ['updates', []],
  ['push-circuit', OBJECT],
  ['consumer.ts', []],
  ['env.ts', []],
  ['health', CRYPTO],
  ['cron.ts', OBJECT],
  ['http', HTTP],
  ['http/micromdm', HTTP],
  ['http/repo', HTTP],
  ['http/health', HTTP],
  ['http/nanomdm', HTTP],
  ['http/kmfddm', HTTP],
  ['http/device', HTTP],
  ['http/device/enrolment', HTTP],
  ['http/console', HTTP],
  ['http/setup', HTTP],
  ['http/api', HTTP],
  ['http/api/audit', HTTP],
  ['http/api/openapi', HTTP],
  ['http/api/stream', HTTP],
  ['http/api/commands', HTTP],
  ['http/api/webhooks', HTTP],
  ['http/api/jobs', HTTP],
  ['http/api/enrolment', HTTP],
  ['http/api/certificates', HTTP],
  ['http/api/dep', HTTP],
  ['http/api/devices', HTTP],
  ['http/api/moves', HTTP],
  ['http/api/declarations', HTTP],
  ['http/api/updates', HTTP],
  ['http/api/blueprints', HTTP],
  ['http/api/setup', HTTP],
  ['http/api/repo', HTTP],
  ['http/api/keys', HTTP],
  ['http/api/settings', HTTP],
  ['http/api/health', HTTP],
  ['http/api/face.ts', HTTP],
  ['http/app.ts', HTTP],
  ['http/api/openapi/files.ts', HTTP],
  ['index.ts', HTTP],
  ['stand-ins', []],
  ['globals.d.ts', []],
  ['claim-page', []],
  ['console/time', []],
  ['console/api', CONSOLE],
  ['console/composer', []],
  ['console/results', []],
  ['console/place', CONSOLE],
  ['console/kit', CONSOLE],
  ['console/person', CONSOLE],
  ['console/screens', CONSOLE],
  ['console', CONSOLE],
  ['simulator/device', NODE],
  ['simulator/apns', NODE],
  ['simulator/dep', NODE],
  ['simulator/fleet', NODE],
  ['cli', NODE],
  ['cli/build', [...NODE, 'rolldown', 'openapi-typescript']],
  ['cli/start/terminal', NODE],
  ['cli/push-cert', NODE],
  ['cli/deploy', NODE],
  ['cli/doctor', NODE],
  ['cli/keys', NODE],
  ['cli/destroy', NODE],
  ['cli/audit', NODE],
  ['cli/move', NODE],
  ['cli/simulate', NODE],
  ['cli/cost', NODE],
  ['cli/start', NODE],
]

/** No face imports another face. Code that two faces use belongs to a room above both. */
const FACES = [
  'http/micromdm',
  'http/nanomdm',
  'http/kmfddm',
  'http/device',
  'http/console',
  'http/api',
]

const SRC = resolve(import.meta.dirname, '../../src')

interface Room {
  readonly name: string
  readonly place: number
  readonly packages: readonly string[]
}

function roomOf(file: string): Room | undefined {
  const path = relative(SRC, file)
  return ROOMS.map(([name, packages], place) => ({ name, place, packages }))
    .filter(({ name }) => path === name || path.startsWith(`${name}/`))
    .toSorted((one, other) => other.name.length - one.name.length)[0]
}

/** @returns why this import is not allowed, or `undefined`. */
function faultOf(file: string, specifier: string): string | undefined {
  const from = roomOf(file)
  if (!from) {
    return 'test/lint/rooms.ts names no room for this file'
  }
  if (!specifier.startsWith('.')) {
    const allowed = from.packages.some((name) => isOf(specifier, name))
    return allowed ? undefined : `${from.name} may not import ${specifier}: see test/lint/rooms.ts`
  }
  const to = roomOf(resolve(dirname(file), specifier))
  if (!to || to.name === from.name) {
    return undefined
  }
  if (to.place > from.place) {
    return `${to.name} stands below ${from.name} in test/lint/rooms.ts: move what both need up`
  }
  const [one, other] = [faceOf(from), faceOf(to)]
  if (one && other && one !== other) {
    return `${one} and ${other} are two faces: move what both need to a room above them`
  }
  const needsWorker = [OBJECT, SQL, HTTP].some((kind) => kind === to.packages)
  return from.packages === NODE && needsWorker
    ? `${to.name} runs in the Worker alone: a Node program cannot import it`
    : undefined
}

function isOf(specifier: string, name: string): boolean {
  return specifier === name || specifier.startsWith(name.endsWith(':') ? name : `${name}/`)
}

function faceOf({ name }: Room): string | undefined {
  return FACES.find((face) => name === face || name.startsWith(`${face}/`))
}

interface Importing {
  readonly source?: { readonly value?: unknown } | null
}

interface RuleContext {
  readonly filename: string
  report(fault: { readonly node: Importing; readonly message: string }): void
}

/** A plugin of oxlint with one rule: `rooms/order`. */
export default {
  meta: { name: 'rooms' },
  rules: {
    order: {
      create(context: RuleContext) {
        const check = (node: Importing): void => {
          const specifier = node.source?.value
          const message =
            typeof specifier === 'string' ? faultOf(context.filename, specifier) : undefined
          if (message !== undefined) {
            context.report({ node, message })
          }
        }
        return {
          ImportDeclaration: check,
          ExportNamedDeclaration: check,
          ExportAllDeclaration: check,
          ImportExpression: check,
        }
      },
    },
  },
}
