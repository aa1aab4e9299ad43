import manifest from '../../../package.json' with { type: 'json' }

/** MicroMDM's six fields, all strings. Those about its Go build are empty. */
export const version = {
  version: manifest.version,
  branch: '',
  revision: '',
  go_version: '',
  build_date: '',
  build_user: 'edgemdm',
}
