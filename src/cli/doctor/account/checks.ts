import type { DoctorAccount, DoctorCheck, DoctorVerdict } from '../check.ts'
import { checkAccess } from './access.ts'
import { whereAllowed } from './allowed.ts'
import { checkConsumer, checkLogsAndNames, checkVersions } from './deployed.ts'
import { checkUsage } from './usage.ts'

type Look = (account: DoctorAccount, url: string, now: number) => Promise<DoctorVerdict>
type Row = readonly [number: number, id: string, title: string, permission: string, look: Look]

const TABLE: readonly Row[] = [
  [
    7,
    'access',
    'no login of Cloudflare Access stands before devices',
    'Access: Apps and Policies Read',
    checkAccess,
  ],
  [
    14,
    'queue.consumer',
    'in the account, the queue has this Worker as its consumer',
    'Queues Read',
    checkConsumer,
  ],
  [
    26,
    'version.split',
    'in the account, one version has all requests',
    'Workers Scripts Read',
    checkVersions,
  ],
  [
    27,
    'usage',
    'the limits of the plan are far',
    'Account Analytics Read',
    (account, _, now) => checkUsage(account, now),
  ],
  [
    28,
    'logs',
    'logs are on, and D1 and queue are this server’s alone',
    'Workers Scripts Read and Queues Read',
    checkLogsAndNames,
  ],
]

/** What only Cloudflare knows. */
export const ACCOUNT_CHECKS: readonly DoctorCheck[] = TABLE.map(
  ([number, id, title, permission, look]) => ({
    number,
    id,
    title,
    needs: 'account',
    isCloudOnly: true,
    // An account with hundreds of Workers is asked about each.
    seconds: 30,
    run: ({ account, url, now }) =>
      account
        ? whereAllowed(permission, () => look(account, url, now()))
        : Promise.resolve({ level: 'skip', seen: 'there is no login at Cloudflare' }),
  }),
)
