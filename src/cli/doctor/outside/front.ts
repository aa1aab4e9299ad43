/** What stands in front of a server, by an answer that is not the server's. */
import type { Asked } from '../ask.ts'

export interface Foreign {
  /** Who answered, and how. */
  readonly seen: string
  readonly fix: string
}

interface Front {
  readonly is: (answer: Asked) => boolean
  readonly who: string
  readonly fix: string
}

const WHERE =
  'for all paths of this host name, or at least for /mdm, /checkin, /scep and /mdm/enroll'

const isStatus =
  (...statuses: readonly number[]) =>
  ({ status }: Asked): boolean =>
    statuses.includes(status)

/** The error of Cloudflare's own page: `error code: 1020`. */
const hasCode =
  (code: number) =>
  ({ text }: Asked): boolean =>
    new RegExp(`error code: ${code}|Error ${code}\\b`, 'i').test(text)

/** The first that fits counts. */
const FRONTS: readonly Front[] = [
  {
    is: ({ headers }) => headers.get('cf-mitigated') === 'challenge',
    who: 'a challenge for browsers (cf-mitigated: challenge)',
    fix:
      'turn Bot Fight Mode off for the zone (Security > Bots), which no rule can skip, and take this host ' +
      'name out of managed challenges (Security > Events shows which one it was)',
  },
  {
    is: ({ headers, text }) =>
      /cloudflareaccess\.com|\/cdn-cgi\/access\//.test((headers.get('location') ?? '') + text),
    who: 'the login of Cloudflare Access',
    fix:
      'make the Worker public in Access: an application for this Worker with the policy Bypass for ' +
      'everyone. Protect /console by its path alone',
  },
  {
    is: isStatus(301, 302, 303, 307, 308),
    who: 'a redirect',
    fix:
      `remove the redirect or page rule of the zone ${WHERE}: ` +
      'devices do not follow it with their messages',
  },
  {
    is: isStatus(401),
    who: 'a login, and a device that gets 401 removes its management',
    fix: `take the login away at once, ${WHERE}`,
  },
  {
    is: hasCode(1027),
    who: 'Cloudflare, because the requests of the free plan are used up for today',
    fix: 'wait until 00:00 UTC, or take the Workers Paid plan',
  },
  {
    is: hasCode(1101),
    who: 'Cloudflare, because the Worker threw an error',
    fix: 'read it with `npx wrangler tail`, then deploy a release that runs',
  },
  {
    is: isStatus(429),
    who: 'a rate limiting rule',
    fix: `remove the rate limiting rule of the zone ${WHERE}: a fleet has one address behind its network`,
  },
  {
    is: isStatus(403),
    who: 'a firewall (WAF)',
    fix: `find the rule in Security > Events of the zone, and skip it ${WHERE}`,
  },
  {
    is: isStatus(413, 431),
    who: 'a proxy with a small limit',
    fix: 'raise its limits to 20 MB for a body and 64 KB for headers, or take the proxy away',
  },
  {
    is: isStatus(520, 521, 522, 523, 524, 525, 526, 530),
    who: 'Cloudflare, because the host name leads to an origin and not to the Worker',
    fix:
      'delete the DNS record of this name, and deploy with --host, which makes it a custom domain of the ' +
      'Worker (docs/deploy.md)',
  },
  {
    is: isStatus(500, 502, 503, 504),
    who: 'a proxy that does not reach the server',
    fix: 'look at the proxy in front of the server, and at where it leads',
  },
]

const OTHER: Omit<Front, 'is'> = {
  who: 'another server',
  fix:
    'the host name, or a route of it, belongs to another Worker or server: compare it with the address ' +
    'that `npm run deploy` prints',
}

/** The sender of an answer that lacks the server's header. Undefined for an answer of the server. */
export function foreignIn(answer: Asked): Foreign | undefined {
  if (answer.headers.has('edgemdm')) {
    return undefined
  }
  const { who, fix } = FRONTS.find(({ is }) => is(answer)) ?? OTHER
  const to = answer.headers.get('location')
  const words = to === null ? '' : ` to ${to.slice(0, 200)}`
  return { seen: `${answer.status}${words} comes from ${who}`, fix }
}
