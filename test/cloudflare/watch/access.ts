import { Refused, type Routes } from '../route.ts'

/** Applications of Cloudflare Access, which an account turns on once. */
export const ACCESS_ROUTES: Routes = [
  [
    'GET',
    '/access/apps',
    ({ account }) => {
      if (!account.accessApps) {
        throw new Refused(403, 9999, 'access.api.error.not_enabled: Access is not enabled.')
      }
      return account.accessApps
    },
  ],
]
