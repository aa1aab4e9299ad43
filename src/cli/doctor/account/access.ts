/** Logins of Cloudflare Access before the Worker: devices cannot log in, and fall silent. */
import type { DoctorAccount, DoctorVerdict } from '../check.ts'
import { readResult } from './allowed.ts'

interface AccessApp {
  readonly name?: string
  readonly domain?: string
  readonly destinations?: readonly {
    readonly type: string
    readonly uri?: string
    readonly worker_id?: string
  }[]
  readonly policies?: readonly {
    readonly decision?: string
    readonly include?: readonly Readonly<Record<string, unknown>>[]
  }[]
}

/** Where devices, and people who enrol one, call without any login. */
const DEVICE_PATHS = ['/mdm/checkin', '/mdm/connect', '/mdm/enroll', '/checkin', '/scep']

/** A place that an application guards. The most specific one decides: path, Worker, account. */
interface Guard {
  readonly covers: (path: string) => boolean
  readonly weight: number
}

const everywhere = (): boolean => true

/** @throws CloudflareError */
export async function checkAccess(
  { api, account, worker }: DoctorAccount,
  url: string,
): Promise<DoctorVerdict> {
  const at = `/accounts/${account.id}`
  const [apps, { id }] = await Promise.all([
    readApps(() => readResult<AccessApp[]>(api, `${at}/access/apps?per_page=100`, [])),
    readResult<{ id?: string }>(api, `${at}/workers/workers/${worker}`, {}),
  ])
  const host = new URL(url).hostname
  const guards = apps.flatMap((app) => guardsOf(app, host, id).map((guard) => ({ app, guard })))
  const closed = DEVICE_PATHS.flatMap((path) => {
    const [most] = guards
      .filter(({ guard }) => guard.covers(path))
      .toSorted((one, other) => other.guard.weight - one.guard.weight)
    return most && !isPublic(most.app) ? [{ path, name: most.app.name ?? 'without a name' }] : []
  })
  if (closed.length === 0) {
    return { level: 'ok', seen: `no login of Access stands before the Worker ${worker}` }
  }
  const paths = closed.map(({ path }) => path).join(', ')
  const names = [...new Set(closed.map(({ name }) => `"${name}"`))].join(', ')
  return {
    level: 'fail',
    seen: `the Access application ${names} wants a login at ${paths}`,
    want: 'no login on the paths of devices',
    fix:
      `make the Worker ${worker} public: in Zero Trust, add an application for it with one policy, ` +
      'Bypass for Everyone. Guard paths such as /console by applications of their own',
  }
}

/** An account that has never turned Access on refuses the list with this text. */
async function readApps(read: () => Promise<AccessApp[]>): Promise<AccessApp[]> {
  try {
    return await read()
  } catch (error) {
    if (error instanceof Error && error.message.includes('access.api.error.not_enabled')) {
      return []
    }
    throw error
  }
}

function guardsOf(
  { domain, destinations }: AccessApp,
  host: string,
  worker: string | undefined,
): readonly Guard[] {
  const places = destinations ?? (domain === undefined ? [] : [{ type: 'public', uri: domain }])
  return places.flatMap(({ type, uri = '', worker_id: id }: Place) => {
    switch (type) {
      case 'all_workers':
        return [{ covers: everywhere, weight: 0 }]
      case 'worker':
        return worker !== undefined && id === worker ? [{ covers: everywhere, weight: 1 }] : []
      case 'public':
        return guardOfUri(uri, host)
      default:
        return []
    }
  })
}

type Place = NonNullable<AccessApp['destinations']>[number]

/** A host and a path, in which `*` stands for any text. A path covers what is below it. */
function guardOfUri(uri: string, host: string): readonly Guard[] {
  const [wantedHost = '', ...parts] = uri.replace(/^https?:\/\//, '').split('/')
  const wantedPath = parts.join('/').replace(/\/+$/, '')
  const path = new RegExp(`^/${patternOf(wantedPath)}${wantedPath === '' ? '' : '(/|$)'}`)
  return new RegExp(`^${patternOf(wantedHost)}$`, 'i').test(host)
    ? [{ covers: (text) => path.test(text), weight: 2 + wantedPath.length }]
    : []
}

const patternOf = (text: string): string =>
  text.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*')

/** A bypass comes before the other policies of its application. */
function isPublic({ policies = [] }: AccessApp): boolean {
  return policies.some(
    ({ decision, include = [] }) =>
      decision === 'bypass' && include.some((rule) => 'everyone' in rule),
  )
}
