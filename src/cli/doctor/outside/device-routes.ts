/** The ways of devices, asked as a device asks, without a signature. No answer changes anything. */
import { type Asked, askServer } from '../ask.ts'
import type { DoctorContext, DoctorVerdict } from '../check.ts'
import { foreignIn } from './front.ts'

const PATHS = ['/mdm/checkin', '/mdm/connect', '/mdm', '/checkin'] as const
/** What iOS, macOS, and a program without a name send. Firewalls judge by it. */
const AGENTS: readonly (readonly [name: string, userAgent: string])[] = [
  ['iOS', 'MDM/1.0'],
  ['macOS', 'mdmclient/1700 CFNetwork/1568.200.51 Darwin/24.4.0 (arm64)'],
  ['a program without a User-Agent', ''],
]
const AUTHENTICATE = `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0"><dict><key>MessageType</key><string>Authenticate</string>
<key>UDID</key><string>edgemdm-doctor</string><key>Topic</key><string>edgemdm-doctor</string>
</dict></plist>
`
export const DEVICE_ANSWER = '400 with the header edgemdm'
export const OWN_FAULT =
  'look at the log of the server (`npx wrangler tail`, or the terminal of npm start), and deploy again'

interface Tried {
  readonly what: string
  readonly answer: Asked
}

/** Check 4: all four answer an unsigned message themselves, whatever its User-Agent. */
export async function checkDeviceRoutes(context: DoctorContext): Promise<DoctorVerdict> {
  const tries = PATHS.flatMap((path) => AGENTS.map((agent) => ({ path, agent })))
  const tried = await Promise.all(
    tries.map(async ({ path, agent: [name, userAgent] }): Promise<Tried> => {
      const headers = { 'user-agent': userAgent }
      return {
        what: `PUT ${path} as ${name}`,
        answer: await putMessage(context, path, { headers }),
      }
    }),
  )
  const bad = tried.filter(({ answer }) => answer.status !== 400 || foreignIn(answer))
  // Devices that get 401 end their management.
  const worst = bad.find(({ answer }) => answer.status === 401) ?? bad[0]
  if (!worst) {
    return { level: 'ok', seen: `${tried.length} messages got 400 from the server itself` }
  }
  const count = bad.length === tried.length ? 'and so all' : `${bad.length} of ${tried.length}`
  const { what, answer } = worst
  const { seen, fix } = foreignIn(answer) ?? {
    seen: `the server answered ${answer.status}`,
    fix: OWN_FAULT,
  }
  return { level: 'fail', seen: `${what}: ${seen} (${count})`, want: DEVICE_ANSWER, fix }
}

/** Check 5: no way of devices, with and without a slash at its end, is redirected, nor is the page at `/`. */
export async function checkRedirects(context: DoctorContext): Promise<DoctorVerdict> {
  const own = [
    ...PATHS.flatMap((path) => [path, `${path}/`]).map((path) => ['PUT', path] as const),
    ['GET', '/scep?operation=GetCACaps'] as const,
    ['GET', '/mdm/enroll'] as const,
    ['GET', '/'] as const,
  ]
  const tried = await Promise.all(
    own.map(async ([method, path]): Promise<Tried> => {
      const answer =
        method === 'PUT' ? await putMessage(context, path) : await askServer(context, path)
      return { what: `${method} ${path}`, answer }
    }),
  )
  const moved = tried.find(({ answer }) => isRedirect(answer)) ?? (await plainRedirect(context))
  if (!moved) {
    return { level: 'ok', seen: `none of ${tried.length} paths is redirected` }
  }
  const { what, answer } = moved
  const to = answer.headers.get('location') ?? 'nowhere'
  return {
    level: 'fail',
    seen: `${what} is redirected to ${to.slice(0, 200)}`,
    want: 'no redirect',
    fix:
      foreignIn(answer)?.fix ?? 'name the server that it leads to with --server, and in PUBLIC_URL',
  }
}

/** http may lead to https of the same host, or nowhere. */
async function plainRedirect(context: DoctorContext): Promise<Tried | undefined> {
  if (context.isLocal) {
    return undefined
  }
  const { hostname } = new URL(context.url)
  const plain = { ...context, url: `http://${hostname}` }
  const answer = await putMessage(plain, PATHS[0]).catch(() => undefined)
  const to = URL.parse(answer?.headers.get('location') ?? '', plain.url)
  return answer && isRedirect(answer) && to?.hostname !== hostname
    ? { what: `PUT ${plain.url}${PATHS[0]}`, answer }
    : undefined
}

function isRedirect({ status }: Asked): boolean {
  return status >= 300 && status < 400
}

/** A check-in message without a signature. */
export function putMessage(
  context: DoctorContext,
  path: string,
  init: RequestInit = {},
): Promise<Asked> {
  const type = { 'content-type': 'application/x-apple-aspen-mdm-checkin' }
  const headers = { ...type, ...Object.fromEntries(new Headers(init.headers)) }
  return askServer(context, path, { method: 'PUT', body: AUTHENTICATE, ...init, headers })
}
