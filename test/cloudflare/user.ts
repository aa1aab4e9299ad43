import { EMAIL, type Account } from './account.ts'
import type { Routes } from './route.ts'

const USER_ID = '0123456789abcdef0123456789abcdef'

const shown = ({ id, name }: Account) => ({ id, name, type: 'standard' })

/** Of a user's API token. */
export const USER_ROUTES: Routes = [
  ['GET', '/user', () => ({ id: USER_ID, email: EMAIL })],
  ['GET', '/user/tokens/verify', () => ({ id: USER_ID, status: 'active' })],
  ['GET', '/accounts', ({ accounts }) => accounts.map(shown)],
  [
    'GET',
    '/memberships',
    ({ accounts }) =>
      accounts.map((account) => ({
        id: account.id,
        account: shown(account),
        roles: ['Administrator'],
        status: 'accepted',
      })),
  ],
]
