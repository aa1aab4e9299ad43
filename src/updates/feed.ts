import { abortAfter } from '../clock.ts'
import { boundedText } from '../bounded-text.ts'
import { refuseTarget } from '../events/target.ts'
import { OwnError, reasonOf } from '../reason.ts'
import { readVersions, type VersionsReading } from '../ddm/updates/versions.ts'

const FEED_TIMEOUT = 20_000
const MAX_FEED_BYTES = 2_000_000
const APPLES_HOST = 'gdmf.apple.com'

/** Why a list of OS versions is not fetched from there, and what to do instead; `undefined` if it may be. */
export function refuseFeed(url: string, allowPrivate: boolean): string | undefined {
  const { protocol, username, password } = new URL(url)
  if (username !== '' || password !== '') {
    return 'the URL holds a user or a password, and answers show it: give the list a public address'
  }
  if (allowPrivate) {
    return undefined
  }
  return protocol === 'https:'
    ? refuseTarget(url)
    : 'has to be an https URL: the list decides what devices install'
}

/** Fetches a list of OS versions. It never throws, and follows no redirect. */
export async function fetchVersions(url: string, allowPrivate: boolean): Promise<VersionsReading> {
  const timeout = abortAfter(FEED_TIMEOUT)
  try {
    const refusal = refuseFeed(url, allowPrivate)
    if (refusal !== undefined) {
      throw new OwnError(refusal)
    }
    const answer = await fetch(url, {
      headers: { accept: 'application/json', 'user-agent': 'EdgeMDM' },
      redirect: 'manual',
      signal: timeout.signal,
    })
    return readVersions(await bodyOf(answer))
  } catch (error) {
    const why = timeout.signal.aborted ? 'no answer within 20 s' : reasonOf(error)
    const isApples = new URL(url).hostname === APPLES_HOST
    const hint = isApples
      ? '; a Worker does not trust the CA of this host: download the list, and upload it with ' +
        'PUT /api/software-updates/versions (docs/software-updates.md)'
      : ''
    return { kind: 'fault', reason: why + hint }
  } finally {
    timeout.cancel()
  }
}

/** @throws OwnError when it is not a list */
async function bodyOf(answer: Response): Promise<string> {
  if (answer.status !== 200) {
    await answer.body?.cancel()
    const location = answer.headers.get('location')
    const where = location === null ? '' : `, which leads to ${location.slice(0, 200)}: name that`
    throw new OwnError(`it answered with status ${answer.status}${where}`)
  }
  const text = await boundedText(answer, MAX_FEED_BYTES)
  if (text === undefined) {
    throw new OwnError('it has more than 2 MB')
  }
  return text
}
