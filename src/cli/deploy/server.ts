/** The deployed server, once Cloudflare has its code. */
import {
  type AdminAccess,
  callApi,
  causeOf,
  installCA,
  listCAs,
  newAuthority,
} from '../api-client.ts'
import { pemPairOf } from '../api-client.ts'
import { messageOf } from '../error.ts'
import { DeployStop } from './failures.ts'

/** The time that a new host name has for its certificate. */
const ANSWERS_WITHIN = 5 * 60_000
const BETWEEN_QUESTIONS = 5000
const TIME_OUT = 20_000

export interface ServerEffects {
  readonly fetch: typeof fetch
  readonly sleep: (milliseconds: number) => Promise<unknown>
  readonly now: () => number
}

/** Resolves when our server answers at the address. @throws DeployStop with the last answer */
export async function awaitAnswer(url: string, effects: ServerEffects): Promise<void> {
  const { sleep, now } = effects
  const deadline = now() + ANSWERS_WITHIN
  for (;;) {
    const last = await askVersion(url, effects)
    if (last === undefined) {
      return
    }
    if (now() >= deadline || last.isFinal) {
      throw new DeployStop(1, `${url}/version: ${last.said}`, last.remedy)
    }
    await sleep(BETWEEN_QUESTIONS)
  }
}

interface OtherAnswer {
  readonly said: string
  readonly isFinal: boolean
  readonly remedy: string
}

async function askVersion(
  url: string,
  { fetch: fetchIt }: ServerEffects,
): Promise<OtherAnswer | undefined> {
  const again = 'a new host name may need more minutes: run this again'
  try {
    const signal = AbortSignal.timeout(TIME_OUT)
    const response = await fetchIt(`${url}/version`, { redirect: 'manual', signal })
    const text = await response.text()
    const isOurs = response.ok && /"build_user":\s*"edgemdm"/.test(text)
    if (isOurs || text.includes('not claimed: open ')) {
      return undefined
    }
    const said = `answered ${response.status}`
    if (text.includes('EdgeMDM is not configured')) {
      const remedy = 'correct the setting that it names (docs/settings.md), and run this again'
      return { said: `${said}: ${text.trim()}`, isFinal: true, remedy }
    }
    const isLogin = [301, 302, 307, 401, 403].includes(response.status)
    const remedy = isLogin
      ? 'a login or a rule of the zone is in front, which devices cannot pass: remove it (docs/deploy.md)'
      : again
    return { said, isFinal: false, remedy }
  } catch (error) {
    return { said: `no answer: ${messageOf(causeOf(error))}`, isFinal: false, remedy: again }
  }
}

/** Makes the CA of device identities, if the server has none. @throws ApiError */
export async function ensureAuthority(access: AdminAccess, now: number): Promise<void> {
  const known = await listCAs(access)
  if (known.every(({ issues }) => !issues)) {
    await installCA(access, pemPairOf(newAuthority(now)), { imported: false })
  }
}

/** Whether a device has enrolled. @throws ApiError */
export async function hasDevices(access: AdminAccess): Promise<boolean> {
  const text = await callApi(access, '/api/devices?limit=1', { method: 'GET' })
  const { items }: { items: readonly unknown[] } = JSON.parse(text)
  return items.length > 0
}
