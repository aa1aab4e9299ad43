import { createHmac, type KeyObject } from 'node:crypto'
import type { Config } from '../config/config.ts'
import { sameSecret } from '../same-secret.ts'
import { REPO_PATH } from './name.ts'

type LinkSettings = Pick<Config, 'repoLinks' | 'sealer'>

const PURPOSE = 'edgemdm repository link'
const SECOND = 1000

/**
 * The URL at which devices fetch a file. With `REPO_LINKS=signed` it is good for a time.
 * @param base where devices reach this server, without a slash at the end
 * @param until the end of that time, in milliseconds
 */
export function repoUrl(base: string, name: string, settings: LinkSettings, until: number): string {
  const url = `${base}${REPO_PATH}${encodeURIComponent(name)}`
  if (settings.repoLinks === 'open') {
    return url
  }
  const end = String(Math.ceil(until / SECOND))
  const [newest] = settings.sealer.derive(PURPOSE)
  return `${url}?exp=${end}&sig=${signatureOf(newest, name, end)}`
}

/** What a request for a file asks. */
interface AskedLink {
  readonly name: string
  readonly exp?: string | undefined
  readonly sig?: string | undefined
}

/** Why a link does not open a file; `undefined` if it does. The older keys of SEAL_KEYS count too. */
export function faultOfLink(
  { name, exp = '', sig = '' }: AskedLink,
  settings: LinkSettings,
  now: number,
): string | undefined {
  if (settings.repoLinks === 'open') {
    return undefined
  }
  const keys = settings.sealer.derive(PURPOSE)
  // The signed text is the end, a blank and the name: a name may have blanks, so the end has none.
  if (!/^\d+$/.test(exp) || !keys.some((key) => sameSecret(sig, signatureOf(key, name, exp)))) {
    return 'the link is not signed by this server'
  }
  return Number(exp) * SECOND < now ? 'the link has expired' : undefined
}

/** The signature in the text of a link. */
export const LINK_SIGNATURE = /(?<=[?&]sig=)[\w-]{43}/g

function signatureOf(key: KeyObject, name: string, end: string): string {
  return createHmac('sha256', key).update(`${end} ${name}`).digest('base64url')
}
