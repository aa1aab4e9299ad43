import { listObjects } from './bucket.ts'
import { RepoError } from './error.ts'
import { faultOfManifest, MAX_MANIFEST_BYTES } from './manifest.ts'
import { endOf, isRepoName } from './name.ts'

/** A manifest in the repository, byte for byte. */
export interface StoredApp {
  readonly name: string
  readonly manifest: string
}

/** All of them are in one answer: the memory of an isolate is 128 MB. */
const MOST_BYTES = 10_000_000
/** A request may call R2 a thousand times. */
const MOST_APPS = 900
const PAGE = 1000
const AT_ONCE = 6

/**
 * The apps of the repository, by their manifests. A file that is none is left out, whatever its name says.
 * @throws RepoError when there are too many for one answer
 */
export async function listApps(bucket: R2Bucket): Promise<StoredApp[]> {
  const names: string[] = []
  let [bytes, cursor]: [number, string | undefined] = [0, '']
  while (cursor !== undefined) {
    const page = await listObjects(bucket, { cursor, limit: PAGE })
    const manifests = page.files.filter(
      ({ key, size }) => endOf(key) === 'plist' && size <= MAX_MANIFEST_BYTES,
    )
    names.push(...manifests.map(({ key }) => key))
    bytes += manifests.reduce((sum, { size }) => sum + size, 0)
    cursor = page.cursor
  }
  if (bytes > MOST_BYTES || names.length > MOST_APPS) {
    throw new RepoError(
      'invalid_request',
      `the repository has too many manifests for one answer (${names.length}): name some in filter_name`,
    )
  }
  return appsNamed(bucket, names)
}

/** The manifests with these names; those that do not exist, and files that are no manifests, are left out. */
export async function appsNamed(bucket: R2Bucket, names: readonly string[]): Promise<StoredApp[]> {
  const apps: StoredApp[] = []
  for (let at = 0; at < names.length; at += AT_ONCE) {
    const some = names.slice(at, at + AT_ONCE).map((name) => appNamed(bucket, name))
    apps.push(...(await Promise.all(some)).flatMap((app) => app ?? []))
  }
  return apps
}

async function appNamed(bucket: R2Bucket, name: string): Promise<StoredApp | undefined> {
  const read = isRepoName(name) ? await readAppManifest(bucket, name) : undefined
  return read?.ok ? { name, manifest: read.manifest } : undefined
}

export type ReadAppManifest =
  | { readonly ok: true; readonly manifest: string }
  | { readonly ok: false; readonly fault: string }

/** A manifest of the repository; or why a device cannot install by this file, as a sentence. */
export async function readAppManifest(bucket: R2Bucket, name: string): Promise<ReadAppManifest> {
  const object = await bucket.get(name)
  if (!object) {
    return {
      ok: false,
      fault: `the repository has no file ${name}: upload it by PUT /api/repo/{name}`,
    }
  }
  if (object.size > MAX_MANIFEST_BYTES) {
    await object.body.cancel()
    return { ok: false, fault: `${name} is longer than 1 MB: name the manifest of the package` }
  }
  const manifest = await object.text()
  const fault = faultOfManifest(manifest)
  return fault === undefined ? { ok: true, manifest } : { ok: false, fault: `${name} ${fault}` }
}
