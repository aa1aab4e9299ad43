import manifest from '../../../package.json' with { type: 'json' }

/** MicroMDM's six fields, all strings; the ones that speak of its Go build are ours to leave empty. */
export const version = {
  version: manifest.version,
  branch: '',
  revision: '',
  go_version: '',
  build_date: '',
  build_user: 'edgemdm',
}
