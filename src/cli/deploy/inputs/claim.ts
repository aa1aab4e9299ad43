/** Whether a server has an owner, and by which code its first page will know the owner (docs/deploy.md). */
import { createHash, randomBytes } from 'node:crypto'
import { hasOurCode, type DeployedWorker } from '../cloudflare/survey.ts'

/** `absent`: the first deploy is still to come. `unknown`: the server does not say. */
export interface ClaimFound {
  readonly server: 'absent' | 'claimed' | 'unclaimed' | 'unknown'
  readonly code: 'set' | 'weak' | 'missing'
}

/** A code that the build log shows, and what the Worker keeps of it. */
export interface PrintedCode {
  readonly code: string
  /** SHA-256, hex. */
  readonly hash: string
}

const TIME_OUT = 20_000
const CODE_NAMES = ['SETUP_CODE', 'SETUP_CODE_HASH']
const KEY_NAMES = ['API_KEY', 'SEAL_KEYS']

/**
 * @param worker as it is before this run
 * @param address at which it answers; undefined when there is none
 */
export async function findClaim(
  worker: DeployedWorker | undefined,
  address: string | undefined,
  fetchIt: typeof fetch,
): Promise<ClaimFound> {
  const names = worker?.bindings.map(({ name }) => name) ?? []
  const code = CODE_NAMES.some((name) => names.includes(name)) ? 'set' : 'missing'
  if (KEY_NAMES.every((name) => names.includes(name))) {
    return { server: 'claimed', code }
  }
  if (!worker || !hasOurCode(worker)) {
    return { server: 'absent', code }
  }
  return address === undefined ? { server: 'unknown', code } : askClaim(address, fetchIt)
}

/** What the server says of its claim. */
export async function askClaim(url: string, fetchIt: typeof fetch): Promise<ClaimFound> {
  const unknown: ClaimFound = { server: 'unknown', code: 'missing' }
  try {
    const signal = AbortSignal.timeout(TIME_OUT)
    const response = await fetchIt(`${url}/setup/state`, { redirect: 'manual', signal })
    const { claimed, code }: { claimed?: unknown; code?: unknown } = JSON.parse(
      await response.text(),
    )
    if (!response.ok || typeof claimed !== 'boolean') {
      return unknown
    }
    return {
      server: claimed ? 'claimed' : 'unclaimed',
      code: code === 'set' || code === 'weak' ? code : 'missing',
    }
  } catch {
    return unknown
  }
}

/**
 * A code that this run shows in its log. Only the log of Workers Builds is for members of the account alone;
 * the logs of other CI may be public.
 */
export function printedCode(
  isBuilds: boolean,
  { server, code }: ClaimFound,
  { waits, upload }: { readonly waits: boolean; readonly upload: Readonly<Record<string, string>> },
): PrintedCode | undefined {
  const isOpen = server === 'absent' || server === 'unclaimed'
  if (!isBuilds || !waits || !isOpen || code !== 'missing' || upload['SETUP_CODE'] !== undefined) {
    return undefined
  }
  const made = randomBytes(16).toString('base64url')
  return { code: made, hash: createHash('sha256').update(made).digest('hex') }
}

/** What the owner of a server without a claim does next, in one sentence. */
export function claimAdvice(
  { server, code }: ClaimFound,
  url: string,
  place: { readonly worker: string; readonly isBuilds: boolean },
): string | undefined {
  const command = `npx wrangler secret put SETUP_CODE --name ${place.worker}`
  if (server === 'claimed') {
    return undefined
  }
  if (server === 'unknown') {
    return `${url}/setup/state did not say whether the server has an owner: open ${url}/setup`
  }
  if (code === 'set') {
    return `The server has no owner yet: open ${url}/setup with the setup code`
  }
  const fault =
    code === 'weak'
      ? 'SETUP_CODE is too weak'
      : 'The server has no owner yet, and no setup code is set'
  const others = place.isBuilds ? 'remove the secret, and build again' : 'set SETUP_CODE in the CI'
  return `${fault}: run \`${command}\` with 20 characters or more, or ${others}. Then open ${url}/setup`
}
