import { newRoutes } from '../new-routes.ts'
import { operation } from '../operation.ts'
import { listOf, wholeList } from '../paging.ts'
import { SETTING_EXAMPLE, settingSchema, settingsJson } from './schema.ts'

/** The settings of the Worker: docs/settings.md. */
export const settingRoutes = newRoutes()

settingRoutes.openapi(
  operation('listSettings', 'get', '/settings', {
    tags: ['Settings'],
    summary: 'Lists all settings of the server: what is set, what it means, and the defaults',
    description:
      'A setting is a var or a secret of the Worker, which no call changes. The value of a secret is never ' +
      'shown: `source` says whether it is set.',
    answers: { 200: listOf('all settings', settingSchema, SETTING_EXAMPLE) },
  }),
  (c) => {
    const isClaimed = c.var.config.sealKeys.some(({ place }) => place === 'control')
    const items = settingsJson({ ...c.env }, isClaimed ? ['SEAL_KEYS'] : [])
    return c.json(wholeList(items), 200)
  },
)
