import { causeOf, sentenceIn } from '../../api-client.ts'
import { CliError, messageOf } from '../../error.ts'
import { type Asked, askServer } from '../ask.ts'
import type { DoctorContext, DoctorVerdict } from '../check.ts'
import { foreignIn } from './front.ts'

/** Causes of no answer: the code or the text of Node, and what to do. */
const LOST: readonly (readonly [sign: RegExp, fix: string])[] = [
  [/ENOTFOUND/, 'is the name spelled right? If it is, make its DNS record or custom domain'],
  [/EAI_AGAIN/, 'is the name spelled right? If it is, look at the DNS of this machine'],
  [/ECONNREFUSED/, 'nothing listens there: start the server, or look at the port'],
  [
    /CERT|certificate|ALTNAME|LEAF_SIGNATURE/,
    'check 2 says what is wrong with the TLS certificate',
  ],
  [/wrong version number|packet length/, 'the server takes http, not https: name it with http://'],
  [
    /EPROTO|alert|ssl/i,
    'is the name spelled right? The certificate of a new one is made in some minutes. Else turn on TLS ' +
      '1.2 or later with ECDHE ciphers on what ends TLS',
  ],
]

const OTHERWISE =
  'look at the network between here and the server, and at the proxy of this machine'

/** Check 1: our server answers, has its settings and is claimed. */
export async function checkReachable(context: DoctorContext): Promise<DoctorVerdict> {
  let answer: Asked
  try {
    answer = await askServer(context, '/version')
  } catch (error) {
    if (error instanceof CliError) {
      throw error
    }
    const cause = causeOf(error)
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
    const said = messageOf(cause).trim()
    const fix = LOST.find(([sign]) => sign.test(`${code} ${said}`))?.[1] ?? OTHERWISE
    const known = code === 'ENOTFOUND' ? 'DNS does not know its name' : said
    return { level: 'fail', seen: `${context.url} does not answer: ${known}`, fix }
  }
  const foreign = foreignIn(answer)
  if (foreign) {
    return { level: 'fail', seen: `GET /version: ${foreign.seen}`, fix: foreign.fix }
  }
  const unclaimed = await claimFault(context)
  if (unclaimed) {
    return unclaimed
  }
  if (answer.status !== 200) {
    const seen = `GET /version answered ${answer.status}: ${sentenceIn(answer.text)}`
    const fix =
      'set what it names (docs/settings.md), a secret with `npx wrangler secret put NAME --name WORKER`'
    return { level: 'fail', seen, fix }
  }
  return { level: 'ok', seen: `EdgeMDM ${answer.headers.get('edgemdm')}` }
}

/** What is missing for a claim, by the state of the setup code. */
const CODES: Readonly<Record<string, string>> = {
  missing: 'run `npx wrangler secret put SETUP_CODE --name WORKER`, then ',
  weak: 'set a longer SETUP_CODE with `npx wrangler secret put SETUP_CODE --name WORKER`, then ',
}

async function claimFault(context: DoctorContext): Promise<DoctorVerdict | undefined> {
  const { status, text } = await askServer(context, '/setup/state')
  if (status !== 200) {
    return undefined
  }
  const { claimed, code }: { claimed?: boolean; code?: string } = JSON.parse(text)
  return claimed === false
    ? {
        level: 'fail',
        seen: 'the server has no owner yet',
        fix: `${CODES[code ?? ''] ?? ''}open ${context.url}/setup and type the setup code`,
      }
    : undefined
}

/** Check 26: the server has the release of this repository. */
export async function checkVersion(context: DoctorContext): Promise<DoctorVerdict> {
  const { text } = await askServer(context, '/version')
  const { version }: { version: string } = JSON.parse(text)
  return version === context.version
    ? { level: 'ok', seen: version }
    : {
        level: 'warn',
        seen: `the server is ${version}, and this folder is ${context.version}`,
        want: context.version,
        fix: 'run `npm run deploy`, or `git pull` if the server is newer (docs/upgrade.md)',
      }
}
