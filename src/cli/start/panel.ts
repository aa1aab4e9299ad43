import type { EnrollmentLinks } from '../api-client.ts'

const COMFORTABLE_OPEN_FILES = 10_000
/** The column in which the values of the panel begin. */
const INDENT = 14

export interface Panel {
  url: string
  /** The Worker's URL for the outside world; `url` when PUBLIC_URL is not set. */
  publicUrl: string
  enrolment: Pick<EnrollmentLinks, 'link' | 'meaning'>
  apiKey: string
  state: string
  pushes: string
  /** Of the push certificate: devices that another process simulates need it. */
  topic: string
  /** Empty for none. */
  webhook: string
  devices: number
  openFiles: number
}

export function panelText(panel: Panel): string {
  const rows: readonly (readonly [string, ...string[]])[] = [
    ['URL', panel.url, `API at ${panel.url}/api/docs, user micromdm, password the API key`],
    ['API key', panel.apiKey],
    ['Console', `${panel.url}/console`, 'any name, and the API key'],
    ['Enrolment', panel.enrolment.link, panel.enrolment.meaning],
    ['PUBLIC_URL', ...reached(panel)],
    ['Pushes', panel.pushes],
    ['Push topic', panel.topic],
    ['Webhook', panel.webhook === '' ? 'none: --webhook URL' : withoutPassword(panel.webhook)],
    ['State', panel.state],
    ...openFilesRows(panel.openFiles),
    ...(panel.devices === 0
      ? [['Devices', 'none simulated: npm start -- --devices 3'] as const]
      : []),
  ]
  return ['', ...rows.map(rowText), ''].join('\n')
}

function rowText([name, ...lines]: readonly [string, ...string[]]): string {
  return lines
    .map((line, index) => `  ${(index === 0 ? name : '').padEnd(INDENT - 2)}${line}`)
    .join('\n')
}

/** Whether a real device can reach the server; if not, how to change that. */
function reached({ url, publicUrl }: Panel): readonly string[] {
  if (publicUrl !== url) {
    return [
      publicUrl.startsWith('https:')
        ? publicUrl
        : `${publicUrl}, but Apple’s devices take only https`,
      `devices are sent there: it has to lead to ${url}`,
    ]
  }
  return [
    'not set: real devices cannot come, they take only https. A tunnel:',
    `  cloudflared tunnel --url ${url}`,
    '  PUBLIC_URL=https://the-address-that-it-prints npm start',
    'and the enrolment link gets a token: docs/enrolment.md',
  ]
}

export interface FirstDevice {
  readonly id: string
  readonly model: string
  readonly osVersion: string
}

/** A command to paste, and a device's answer to it. */
export function tryText(url: string, apiKey: string, device: FirstDevice): string {
  const { id, model, osVersion } = device
  const body = { request_type: 'DeviceInformation', queries: ['OSVersion'] }
  return [
    '',
    `  Ask the ${model} for its OS version, from another terminal:`,
    `    curl -u ${quoted(`micromdm:${apiKey}`)} ` +
      `${quoted(`${url}/api/devices/${id}/commands?wait=30`)} -d ${quoted(JSON.stringify(body))}`,
    '  It answers at once:',
    // Shortened where the dots are.
    `    {"id":"${id}.… "state":"acknowledged", … ` +
      `"result":{ … "QueryResponses":{"OSVersion":"${osVersion}"}, … }`,
    '',
  ].join('\n')
}

/** Shortened, because other people may see the screen. */
function withoutPassword(url: string): string {
  const shown = URL.parse(url)
  if (!shown?.password) {
    return url
  }
  shown.password = '…'
  return decodeURI(shown.href)
}

/** Quoted for a shell. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}

function openFilesRows(limit: number): readonly (readonly [string, string])[] {
  return limit >= COMFORTABLE_OPEN_FILES
    ? []
    : [
        [
          'Open files',
          `${limit}: enough for ${Math.floor(limit / 3)} devices within ten seconds; ` +
            'more with a higher `ulimit -Hn`',
        ],
      ]
}
