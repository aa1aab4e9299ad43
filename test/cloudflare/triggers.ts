import { newId, type Account, type CustomDomain, type Zone } from './account.ts'
import {
  Refused,
  fieldOf,
  found,
  listOf,
  textOf,
  workerOf,
  type Request,
  type Routes,
} from './route.ts'

/** How requests and times reach a Worker. */
export const TRIGGER_ROUTES: Routes = [
  [
    'GET',
    '/workers/subdomain',
    ({ account: { subdomain } }) => {
      found(subdomain, 10007, 'There is no workers.dev subdomain for your account.')
      return { subdomain }
    },
  ],
  ['GET', '/workers/scripts/:script/subdomain', (request) => workerOf(request).subdomain],
  [
    'POST',
    '/workers/scripts/:script/subdomain',
    (request) => {
      const is = (field: string) => fieldOf(request.body, field) === true
      const worker = workerOf(request)
      worker.subdomain = { enabled: is('enabled'), previews_enabled: is('previews_enabled') }
      return worker.subdomain
    },
  ],
  [
    'GET',
    '/workers/scripts/:script/schedules',
    (request) => ({
      schedules: workerOf(request).crons.map((cron) => ({ cron })),
    }),
  ],
  [
    'PUT',
    '/workers/scripts/:script/schedules',
    (request) => {
      workerOf(request).crons = listOf(request.body).map((schedule) => textOf(schedule, 'cron'))
      return { schedules: request.body }
    },
  ],
  ['GET', '/workers/domains', ({ account }) => account.domains],
  [
    'GET',
    '/workers/domains/records',
    ({ account, query }) =>
      account.domains.filter(({ service }) => [null, service].includes(query.get('service'))),
  ],
  [
    'GET',
    '/workers/domains/records/:id',
    ({ account, part }) => account.domains.find(({ id }) => id === part.id),
  ],
  [
    'POST',
    '/workers/scripts/:script/domains/changeset',
    ({ account, part, body }) => {
      const wanted = listOf(body).map((origin) => textOf(origin, 'hostname'))
      const known = account.domains.filter(({ hostname }) => wanted.includes(hostname))
      return {
        added: wanted
          .filter((host) => known.every(({ hostname }) => hostname !== host))
          .map((hostname) => ({ hostname })),
        updated: known.map((domain) => ({ ...domain, modified: domain.service !== part.script })),
        removed: account.domains.filter(
          ({ service, hostname }) => service === part.script && !wanted.includes(hostname),
        ),
        conflicting: [],
      }
    },
  ],
  ['PUT', '/workers/scripts/:script/domains/records', attachDomains],
  [
    'GET',
    '/zones',
    ({ accounts, query }) =>
      accounts
        .filter(({ id }) => [null, id].includes(query.get('account.id')))
        .flatMap(({ zones }) => zones)
        .filter(({ name }) => [null, name].includes(query.get('name')))
        .map(({ id, name }) => ({ id, name, status: 'active' })),
  ],
  ['GET', '/zones/:zone/workers/routes', (request) => zoneOf(request).routes],
  ['POST', '/zones/:zone/workers/routes', (request) => addRoute(zoneOf(request), request.body)],
  [
    'PUT',
    '/workers/scripts/:script/routes',
    ({ accounts, part, body }) =>
      listOf(body).map((route) => {
        const pattern = textOf(route, 'pattern')
        const zone = accounts
          .flatMap(({ zones }) => zones)
          .find(({ name }) => hostOf(pattern).endsWith(name))
        return addRoute(inferred(zone, pattern), { pattern, script: part.script })
      }),
  ],
]

const hostOf = (pattern: string): string => pattern.replace(/^https?:\/\//, '').split('/')[0] ?? ''

function zoneOf({ accounts, part }: Request): Zone {
  const zone = accounts.flatMap(({ zones }) => zones).find(({ id }) => id === part.zone)
  return found(zone, 7003, 'Could not route to the zone')
}

function addRoute(zone: Zone, body: unknown) {
  const route = { id: newId(), pattern: textOf(body, 'pattern'), script: textOf(body, 'script') }
  zone.routes.push(route)
  return route
}

/** The named hosts are the Worker's afterwards, and no others. */
function attachDomains({ account, part, body }: Request): readonly CustomDomain[] {
  const { script = '' } = part
  const wanted = listOf(fieldOf(body, 'origins')).map((origin) =>
    domainOf(account, script, textOf(origin, 'hostname')),
  )
  const taken = wanted.find(({ service }) => service !== script)
  if (taken && fieldOf(body, 'override_existing_origin') !== true) {
    throw new Refused(
      409,
      100116,
      `Hostname '${taken.hostname}' is used by the Worker '${taken.service}'`,
    )
  }
  const others = account.domains.filter(
    ({ hostname, service }) =>
      service !== script && wanted.every((one) => one.hostname !== hostname),
  )
  const attached = wanted.map((domain) => ({ ...domain, service: script }))
  account.domains.splice(0, account.domains.length, ...others, ...attached)
  return attached
}

function domainOf(account: Account, service: string, hostname: string): CustomDomain {
  const known = account.domains.find((domain) => domain.hostname === hostname)
  const zone = account.zones.find(({ name }) => hostname === name || hostname.endsWith(`.${name}`))
  const { id, name } = inferred(zone, hostname)
  return known ?? { id: newId(), hostname, service, zone_id: id, zone_name: name }
}

const inferred = (zone: Zone | undefined, route: string): Zone =>
  found(zone, 10082, `Can't infer zone from route ${route}`)
