import { EMAIL, activeVersion, changeBindings, deployVersions } from './account.ts'
import type { Binding, Version, Worker } from './account.ts'
import {
  Refused,
  fieldOf,
  fieldsOf,
  found,
  listOf,
  textOf,
  workerOf,
  type Request,
  type Routes,
} from './route.ts'
import { mergeSecrets, putSecret, uploadScript, uploadVersion } from './upload.ts'

/** A route about a Worker that is there. */
const of = (handler: (worker: Worker, request: Request) => unknown) => (request: Request) =>
  handler(workerOf(request), request)

export const WORKER_ROUTES: Routes = [
  ['GET', '/workers/scripts', ({ account }) => [...account.workers.values()].map(scriptOf)],
  ['PUT', '/workers/scripts/:script', uploadScript],
  ['DELETE', '/workers/services/:script', remove],
  ['GET', '/workers/services/:script', of((worker) => serviceOf(worker))],
  [
    'GET',
    '/workers/services/:script/environments/production',
    of((worker) => environmentOf(worker)),
  ],
  ['GET', '/workers/services/:script/environments/production/bindings', of(shownBindings)],
  ['GET', '/workers/services/:script/environments/production/routes', of(() => [])],
  [
    'GET',
    '/workers/services/:script/environments/production/subdomain',
    of(({ subdomain }) => subdomain),
  ],
  [
    'GET',
    '/workers/workers/:script',
    of(({ name, tag, subdomain }) => ({ id: tag, name, subdomain })),
  ],
  [
    'GET',
    '/workers/scripts/:script/settings',
    of((worker) => ({
      ...worker.settings,
      ...runtimeOf(activeVersion(worker)),
      bindings: shownBindings(worker),
    })),
  ],
  ['GET', '/workers/scripts/:script/script-settings', of(({ settings }) => settings)],
  [
    'PATCH',
    '/workers/scripts/:script/script-settings',
    of((worker, { body }) => {
      worker.settings = { ...worker.settings, ...fieldsOf(body) }
      return worker.settings
    }),
  ],
  ['GET', '/workers/scripts/:script/secrets', of(shownSecrets)],
  [
    'PUT',
    '/workers/scripts/:script/secrets',
    of((worker, { body }) => {
      changeBindings(worker, (bindings) => putSecret(bindings, body))
      return { name: textOf(body, 'name'), type: 'secret_text' }
    }),
  ],
  [
    'PATCH',
    '/workers/scripts/:script/secrets-bulk',
    of((worker, { body }) => {
      changeBindings(worker, (bindings) => mergeSecrets(bindings, body))
      return shownSecrets(worker)
    }),
  ],
  [
    'DELETE',
    '/workers/scripts/:script/secrets/:secret',
    of((worker, { part }) => {
      changeBindings(worker, (bindings) => bindings.filter(({ name }) => name !== part.secret))
      return null
    }),
  ],
  [
    'GET',
    '/workers/scripts/:script/deployments',
    of(({ deployments }) => ({
      deployments: deployments.toReversed(),
    })),
  ],
  [
    'POST',
    '/workers/scripts/:script/deployments',
    of((worker, { body }) => {
      const shares = listOf(fieldOf(body, 'versions')).map((share) => ({
        version_id: textOf(share, 'version_id'),
        percentage: Number(fieldOf(share, 'percentage')),
      }))
      return deployVersions(worker, shares, fieldOf(body, 'annotations'))
    }),
  ],
  [
    'GET',
    '/workers/scripts/:script/versions',
    of(({ versions }) => ({
      items: versions.toReversed().map(versionOf),
    })),
  ],
  [
    'POST',
    '/workers/scripts/:script/versions',
    of((worker, request) => versionOf(uploadVersion(request, worker))),
  ],
  [
    'GET',
    '/workers/scripts/:script/versions/:version',
    of(({ versions }, { part }) => {
      const version = versions.find(({ id }) => id === part.version)
      return versionOf(found(version, 10222, `The version ${part.version} could not be found`))
    }),
  ],
  ['GET', '/workers/scripts/:script/references', of(() => ({}))],
  ['GET', '/workers/tails/by-consumer/:script', () => []],
  // Where the command that deletes a Worker looks for what belongs to it.
  ['GET', '/workers/durable_objects/namespaces', () => []],
  ['GET', '/storage/kv/namespaces', () => []],
]

function scriptOf({ name, tag, created, versions, source, settings }: Worker) {
  const last = versions.at(-1)
  return {
    id: name,
    tag,
    tags: settings.tags ?? [],
    created_on: created,
    modified_on: last?.created,
    last_deployed_from: source,
    ...runtimeOf(last),
  }
}

function environmentOf(worker: Worker) {
  return { environment: 'production', script: scriptOf(worker) }
}

function serviceOf(worker: Worker) {
  const environment = environmentOf(worker)
  return { id: worker.name, default_environment: environment, environments: [environment] }
}

function runtimeOf(version: Version | undefined) {
  const { compatibility_date, compatibility_flags, observability } = version?.metadata ?? {}
  return { compatibility_date, compatibility_flags: compatibility_flags ?? [], observability }
}

function versionOf({ id, number, created, bindings, metadata }: Version) {
  return {
    id,
    number,
    startup_time_ms: 12,
    metadata: {
      created_on: created,
      modified_on: created,
      source: 'wrangler',
      author_email: EMAIL,
    },
    annotations: metadata.annotations ?? {},
    resources: {
      bindings: bindings.map(withoutSecret),
      script: { etag: id, handlers: ['fetch', 'queue', 'scheduled'] },
      script_runtime: { compatibility_date: metadata.compatibility_date, usage_model: 'standard' },
    },
  }
}

/** A secret's text leaves Cloudflare only as the Worker's environment. */
const withoutSecret = ({ text, ...binding }: Binding) =>
  binding.type === 'secret_text' ? binding : { ...binding, ...(text === undefined ? {} : { text }) }

function shownBindings(worker: Worker) {
  return activeVersion(worker)?.bindings.map(withoutSecret) ?? []
}

function shownSecrets(worker: Worker) {
  return shownBindings(worker)
    .filter(({ type }) => type === 'secret_text')
    .map(({ name, type }) => ({ name, type }))
}

/** Its queues keep it: the consumer has to go first. */
function remove(request: Request): null {
  const { account } = request
  const { name } = workerOf(request)
  const consumes = account.queues.some(({ consumers }) =>
    consumers.some(({ script }) => script === name),
  )
  if (consumes) {
    throw new Refused(400, 10064, `The Worker '${name}' is still in use as a consumer of a queue`)
  }
  account.workers.delete(name)
  return null
}
