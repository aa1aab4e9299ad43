/** `npm run move -- --export`: the way back, to a file or to another server's `/migration`. */
import { closeSync, openSync, renameSync, rmSync, writeSync } from 'node:fs'
import { type AdminAccess, callApi, causeOf } from '../api-client.ts'
import { CliError, messageOf } from '../error.ts'

export const EXPORT_OPTIONS = {
  export: { type: 'string' },
  reason: { type: 'string' },
  'to-api-key': { type: 'string' },
} as const

export const EXPORT_NPM_FLAGS = [
  { name: 'export', argument: 'FILE' },
  { name: 'reason', argument: 'TEXT' },
  { name: 'to-api-key', argument: 'KEY' },
]

export const EXPORT_HELP = `
  --export FILE|URL        writes the enrolled devices of this server as check-in messages, to a file of JSON
                           lines, or to PUT /migration of NanoMDM or another server
  --reason TEXT            why: each device keeps an entry, because the messages have secrets
  --to-api-key KEY         the API key of the server at URL; or NANOMDM_API_KEY
`

export interface ExportOrder {
  readonly reason: string
  /** `url`: of the other server's route. */
  readonly to:
    | { readonly kind: 'file'; readonly path: string }
    | { readonly kind: 'server'; readonly url: string; readonly apiKey: string }
}

export interface ExportReport {
  readonly lines: readonly string[]
  /** Devices that did not reach the other server. */
  readonly failed: number
}

interface Shown {
  readonly show: (doing: string, done: number, total: number) => void
}

interface ExportPage {
  readonly items: readonly ExportedDevice[]
  readonly left_out: readonly { readonly id: string; readonly reason: string }[]
  readonly next: string | null
}

interface ExportedDevice {
  readonly id: string
  /** Base64. */
  readonly messages: readonly string[]
  readonly unproven: boolean
  readonly blocked: boolean
}

interface Taker {
  /** NanoMDM knows no blocked devices: it would manage them again. */
  readonly isBlockedToo: boolean
  /** Takes one device. @returns why it could not; empty if it could */
  take(device: ExportedDevice): Promise<string> | string
}

const ROUTE = '/migration'
const TIME_OUT = 60_000

/** @throws CliError for options that do not fit */
export function readExportOrder(
  values: Readonly<Partial<Record<keyof typeof EXPORT_OPTIONS, string | undefined>>>,
  env: Readonly<Record<string, string | undefined>>,
): ExportOrder {
  const { export: named = '', reason = '' } = values
  if (reason.trim() === '') {
    throw new CliError('--export reads secrets of each device: say why with --reason TEXT')
  }
  if (!/^https?:\/\//.test(named)) {
    if (values['to-api-key'] !== undefined) {
      throw new CliError('--to-api-key belongs to a URL, and --export names a file')
    }
    return { reason, to: { kind: 'file', path: named } }
  }
  const apiKey = values['to-api-key'] ?? env['NANOMDM_API_KEY'] ?? ''
  if (apiKey === '') {
    throw new CliError('--to-api-key is missing, and NANOMDM_API_KEY is not set')
  }
  const base = named.replace(/\/+$/, '')
  const url = base.endsWith(ROUTE) ? base : base + ROUTE
  return { reason, to: { kind: 'server', url, apiKey } }
}

/**
 * Exports all enrolled devices. To do it again is safe: a file is replaced when the new one is complete, and
 * another server gets the same enrolments again.
 * @throws CliError if a server does not answer, or refuses all
 */
export async function exportFleet(
  access: AdminAccess,
  { reason, to }: ExportOrder,
  progress: Shown,
): Promise<ExportReport> {
  if (to.kind === 'server') {
    return exportTo(access, reason, progress, {
      isBlockedToo: false,
      take: (device) => sendDevice(to, device),
    })
  }
  const fresh = `${to.path}.new`
  const remove = (): void => rmSync(fresh, { force: true })
  remove()
  // Ctrl-C ends the process at once, and the file has secrets.
  process.once('exit', remove)
  const file = openSync(fresh, 'wx', 0o600)
  try {
    const report = await exportTo(access, reason, progress, {
      isBlockedToo: true,
      take(device) {
        writeSync(file, `${JSON.stringify(device)}\n`)
        return ''
      },
    })
    renameSync(fresh, to.path)
    return report
  } finally {
    closeSync(file)
    remove()
    process.off('exit', remove)
  }
}

async function exportTo(
  access: AdminAccess,
  reason: string,
  progress: Shown,
  taker: Taker,
): Promise<ExportReport> {
  const { total }: { total: number } = JSON.parse(
    await callApi(access, '/api/devices?state=enrolled&limit=1', { method: 'GET' }),
  )
  const leftOut: string[] = []
  const faults: string[] = []
  const unproven: string[] = []
  let done = 0
  let cursor: string | null = null
  do {
    const body: string = JSON.stringify({ reason, ...(cursor !== null && { cursor }) })
    const answer = await callApi(access, '/api/moves/export', { method: 'POST', body })
    const page: ExportPage = JSON.parse(answer)
    leftOut.push(...page.left_out.map(({ id, reason: why }) => `${id}: ${why}`))
    for (const device of page.items) {
      const { id } = device
      if (device.blocked && !taker.isBlockedToo) {
        leftOut.push(`${id}: blocked`)
        continue
      }
      const fault = await taker.take(device)
      if (fault === '') {
        done += 1
        unproven.push(...(device.unproven ? [id] : []))
      } else {
        faults.push(`${id}: ${fault}`)
      }
      progress.show('exported', done, total)
    }
    cursor = page.next
  } while (cursor !== null)
  const lines = [
    `${done} devices exported.`,
    ...listOfIds('Left out', leftOut),
    ...listOfIds('Not taken', faults),
    ...listOfIds('Unproven here, so check them', unproven),
  ]
  return { lines, failed: faults.length }
}

function listOfIds(title: string, ids: readonly string[]): string[] {
  return ids.length === 0 ? [] : [`${title} (${ids.length}):`, ...ids.map((id) => `  ${id}`)]
}

/** The messages of a device, in their order. */
async function sendDevice(
  to: Extract<ExportOrder['to'], { kind: 'server' }>,
  { messages }: ExportedDevice,
): Promise<string> {
  for (const message of messages) {
    const fault = await sendMessage(to, Buffer.from(message, 'base64'))
    if (fault !== '') {
      return fault
    }
  }
  return ''
}

/** Answers that every further message would get too. */
const FOR_ALL: Readonly<Record<number, string>> = {
  401: '--to-api-key is not its API key',
  404: 'it has no such route: NanoMDM has it with the option -migration',
  405: 'its route takes no PUT',
}

async function sendMessage(
  { url, apiKey }: Extract<ExportOrder['to'], { kind: 'server' }>,
  body: Uint8Array<ArrayBuffer>,
): Promise<string> {
  const authorization = `Basic ${Buffer.from(`nanomdm:${apiKey}`).toString('base64')}`
  const signal = AbortSignal.timeout(TIME_OUT)
  // Secrets go only to the server that was named.
  const init = {
    method: 'PUT',
    headers: { authorization },
    body,
    signal,
    redirect: 'manual',
  } as const
  const response = await fetch(url, init).catch((error: unknown) => {
    throw new CliError(`${url} does not answer: ${messageOf(causeOf(error))}`)
  })
  const text = (await response.text()).trim().slice(0, 200)
  const meaning = FOR_ALL[response.status]
  if (meaning !== undefined) {
    throw new CliError(`${url} answered ${response.status}: ${meaning}`)
  }
  return response.status === 200 ? '' : `answered ${response.status} ${text}`
}
