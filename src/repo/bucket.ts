import { RepoError } from './error.ts'
import { isRepoName } from './name.ts'

const MISSING =
  'this server has no bucket for files: make one with `npx wrangler r2 bucket create edgemdm-repo`, remove ' +
  'the # before r2_buckets in wrangler.toml, and deploy again (docs/apps-and-files.md)'

/** The bucket of the repository. @throws RepoError without one: an account without R2 has none */
export function bucketOf(env: { readonly REPO?: R2Bucket }): R2Bucket {
  if (!env.REPO) {
    throw new RepoError('no_bucket', MISSING)
  }
  return env.REPO
}

/**
 * A page of files by name. Objects that other programs put into the bucket count too, if their keys are
 * names.
 * @returns `cursor` of the next page; `undefined` on the last one
 */
export async function listObjects(
  bucket: R2Bucket,
  { cursor, limit }: { readonly cursor?: string | undefined; readonly limit: number },
): Promise<{ files: R2Object[]; cursor: string | undefined }> {
  const page = await bucket.list({ limit, delimiter: '/', ...(cursor && { cursor }) })
  return {
    files: page.objects.filter(({ key }) => isRepoName(key)),
    cursor: page.truncated ? page.cursor : undefined,
  }
}
