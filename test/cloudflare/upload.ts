import { newId, now, activeVersion, addVersion, deployVersions } from './account.ts'
import type { Account, Binding, Metadata, Version, Worker } from './account.ts'
import { checkAssets } from './assets.ts'
import { Refused, fieldOf, fieldsOf, listOf, textOf, type Request } from './route.ts'

/** A `PUT` of a script: a version that runs at once. It makes the Worker when there is none. */
export function uploadScript({ account, part, body, files }: Request) {
  const { script: name = '' } = part
  const worker = account.workers.get(name) ?? newWorker(name)
  const content = contentOf(account, worker, body, files)
  reconcile(worker, content.metadata)
  account.workers.set(name, worker)
  worker.source = 'wrangler'
  const version = addVersion(worker, content)
  deployVersions(
    worker,
    [{ version_id: version.id, percentage: 100 }],
    content.metadata.annotations,
  )
  return {
    id: name,
    etag: version.id,
    startup_time_ms: 12,
    deployment_id: version.id.replaceAll('-', ''),
  }
}

/** A version that runs nowhere until it is deployed. */
export function uploadVersion({ body, files, account }: Request, worker: Worker): Version {
  const content = contentOf(account, worker, body, files)
  const classes = classesOf(content.metadata)
  if (classes && classes.live.some((name) => !worker.classes.has(name))) {
    const message =
      'Durable Object classes cannot be changed by a version upload: use wrangler deploy'
    throw new Refused(400, 10211, message)
  }
  return addVersion(worker, content)
}

function newWorker(name: string): Worker {
  return {
    name,
    tag: newId(),
    created: now(),
    versions: [],
    deployments: [],
    classes: new Set(),
    source: 'wrangler',
    subdomain: { enabled: false, previews_enabled: false },
    crons: [],
    settings: {},
  }
}

function contentOf(account: Account, worker: Worker, body: unknown, modules: readonly string[]) {
  const { bindings: named, ...rest } = fieldsOf(body)
  const metadata: Metadata = rest
  const bindings: Binding[] = Array.isArray(named) ? named : []
  bindings.forEach((binding) => checkResource(account, binding))
  checkAssets(body)
  return { bindings: resolve(worker, bindings, metadata.keep_bindings), metadata, modules }
}

/** Inherited bindings come from the running version, and so do those of a kind that is kept. */
function resolve(worker: Worker, named: readonly Binding[], kept: unknown): Binding[] {
  const before = activeVersion(worker)?.bindings ?? []
  const missing: string[] = []
  const resolved = named.flatMap((binding) => {
    if (binding.type !== 'inherit') {
      return [binding]
    }
    const inherited = before.find(({ name }) => name === binding.name)
    if (!inherited) {
      missing.push(`inherit binding '${binding.name}' is invalid: the Worker has none`)
    }
    return inherited ? [inherited] : []
  })
  if (missing.length > 0) {
    throw new Refused(400, 10057, missing.join('\n'))
  }
  const names = new Set(named.map(({ name }) => name))
  const kinds = listOf(kept)
  return [
    ...resolved,
    ...before.filter(({ name, type }) => kinds.includes(type) && !names.has(name)),
  ]
}

function checkResource(account: Account, { name, type, ...binding }: Binding): void {
  const { id } = binding
  if (type === 'd1' && !account.databases.some(({ uuid }) => uuid === id)) {
    throw new Refused(
      400,
      10181,
      `D1 binding '${name}' references database '${String(id)}' which was not found`,
    )
  }
  const { certificate_id } = binding
  if (
    type === 'mtls_certificate' &&
    !account.certificates.some((one) => one.id === certificate_id)
  ) {
    throw new Refused(
      400,
      10021,
      `binding ${name} of type mtls_certificate names an unknown certificate`,
    )
  }
}

/** The Durable Object classes that an upload declares; a Worker without `exports` declares nothing. */
function classesOf({ exports }: Metadata) {
  if (exports === undefined) {
    return undefined
  }
  const named = Object.entries(fieldsOf(exports)).filter(
    ([, value]) => fieldOf(value, 'type') === 'durable-object',
  )
  const isDeleted = (value: unknown) => fieldOf(value, 'state') === 'deleted'
  return {
    live: named.flatMap(([name, value]) => (isDeleted(value) ? [] : [name])),
    deleted: named.flatMap(([name, value]) => (isDeleted(value) ? [name] : [])),
  }
}

/** Namespaces are made and deleted as declared. One that is no longer named at all is a mistake, not a wish. */
function reconcile(worker: Worker, metadata: Metadata): void {
  const classes = classesOf(metadata)
  if (!classes) {
    return
  }
  const named = new Set([...classes.live, ...classes.deleted])
  const details = [...worker.classes]
    .filter((name) => !named.has(name))
    .map((name) => ({
      class: name,
      scenario: 'missing',
      message: 'has a namespace but is not declared',
    }))
  if (details.length > 0) {
    throw new Refused(400, 100402, 'Durable Object exports reconciliation failed', { details })
  }
  classes.live.forEach((name) => worker.classes.add(name))
  classes.deleted.forEach((name) => worker.classes.delete(name))
}

/** A merge patch of secrets: `null` deletes one. */
export function mergeSecrets(bindings: readonly Binding[], body: unknown): Binding[] {
  const changed = fieldsOf(fieldOf(body, 'secrets'))
  const added = Object.entries(changed)
    .filter(([, secret]) => secret !== null)
    .map(([name, secret]) => ({
      name,
      type: 'secret_text',
      text: textOf(secret, 'text'),
    }))
  return [...bindings.filter(({ name }) => !(name in changed)), ...added]
}

export function putSecret(bindings: readonly Binding[], body: unknown): Binding[] {
  return mergeSecrets(bindings, { secrets: { [textOf(body, 'name')]: body } })
}
