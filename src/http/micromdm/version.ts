// An import with `type: 'json'` has no names: it would bundle the whole file.
import { version as release } from '../../../package.json'

/** MicroMDM's six fields, all strings. Those about its Go build are empty. */
export const version = {
  version: release,
  branch: '',
  revision: '',
  go_version: '',
  build_date: '',
  build_user: 'edgemdm',
}
