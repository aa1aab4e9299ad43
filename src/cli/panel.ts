const COMFORTABLE_OPEN_FILES = 10_000

export interface Panel {
  url: string
  /** Where devices enrol, with what opens it. */
  enrolment: string
  /** Who may enrol by it. */
  enrolmentMeaning: string
  apiKey: string
  state: string
  apns: string
  /** Of the push certificate: simulated devices of another process have to name it. */
  topic: string
  /** Empty for none. */
  webhook: string
  openFiles: number
}

export function panelText(panel: Panel): string {
  const curl = `curl -u ${quoted(`micromdm:${panel.apiKey}`)}`
  const rows: [string, string][] = [
    ['URL', panel.url],
    ['Enrolment', panel.enrolment],
    ['', panel.enrolmentMeaning],
    ['API key', panel.apiKey],
    ['State', panel.state],
    ['Pushes', panel.apns],
    ['Push topic', panel.topic],
    ['Webhook', panel.webhook === '' ? 'none (--webhook URL)' : panel.webhook],
    ['Open files', openFilesText(panel.openFiles)],
  ]
  return [
    '',
    ...rows.map(([name, value]) => `  ${name.padEnd(12)}${value}`),
    '',
    '  List devices:',
    `    ${curl} -X POST ${panel.url}/v1/devices -d '{}'`,
    '  Queue a command:',
    `    ${curl} ${panel.url}/v1/commands -d '{"udid":"UDID","request_type":"DeviceInformation","queries":["OSVersion"]}'`,
    '',
  ].join('\n')
}

/** For a shell to paste. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}

function openFilesText(limit: number): string {
  if (limit >= COMFORTABLE_OPEN_FILES) {
    return Number.isFinite(limit) ? String(limit) : 'unlimited'
  }
  return `${limit}: enough for ${Math.floor(limit / 3)} devices within ten seconds; more with a higher \`ulimit -Hn\``
}
