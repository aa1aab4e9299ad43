// An import with `type: 'json'` has no names: it would bundle the whole file.
import { version as release } from '../../package.json'

declare global {
  /** The commit of a deployment, by `wrangler deploy --define EDGEMDM_COMMIT:'"…"'`. */
  const EDGEMDM_COMMIT: string | undefined
}

const commit = typeof EDGEMDM_COMMIT === 'string' ? EDGEMDM_COMMIT : ''

/** The release, as semver: with the commit, if it is known, as in `0.2.0+e7a814d3`. */
export const fullVersion = commit === '' ? release : `${release}+${commit.slice(0, 8)}`

/** MicroMDM's six fields, all strings. `revision` is the commit. Those about its Go build are empty. */
export const version = {
  version: release,
  branch: '',
  revision: commit,
  go_version: '',
  build_date: '',
  build_user: 'edgemdm',
}
