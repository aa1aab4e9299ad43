import { expect, test } from 'vitest'
import { refuseForgottenDashes } from '../../../src/cli/dashes.ts'
import { FLAGS, helpText, readOptions, readStepAnswer } from '../../../src/cli/options.ts'
import { portalText } from '../../../src/cli/start/devices/dep-simulator.ts'
import { panelText, tryText } from '../../../src/cli/start/panel.ts'

test('without a flag it listens on this machine and simulates no device', () => {
  expect(readOptions([])).toEqual({
    port: 8787,
    host: '127.0.0.1',
    state: '.edgemdm',
    apiKey: undefined,
    webhook: undefined,
    deviceCAFiles: [],
    devices: 0,
    faults: {},
    push: undefined,
    apns: undefined,
    depSimulator: false,
    reload: false,
    help: false,
  })
})

test('every flag of the command line is read', () => {
  const line =
    '--port 0 --host ::1 --state /s --api-key=k --webhook http://h/x --device-ca a --device-ca b --devices 3 --os 27 --fault not-now=2 --fault no-status --push-cert c --push-key d --apns https://a:1 --memory 2G --dep-simulator'
  expect(readOptions(line.split(' '))).toEqual({
    port: 0,
    host: '::1',
    state: '/s',
    apiKey: 'k',
    webhook: 'http://h/x',
    deviceCAFiles: ['a', 'b'],
    devices: 3,
    os: '27.0',
    faults: { 'not-now': 2, 'no-status': Infinity },
    memory: 2e9,
    push: { certificateFile: 'c', keyFile: 'd' },
    apns: 'https://a:1',
    depSimulator: true,
    reload: false,
    help: false,
  })
})

test('MicroMDM’s name for the webhook is understood', () => {
  expect(readOptions(['--command-webhook-url', 'https://h']).webhook).toBe('https://h')
})

test.each([
  [['--nonsense'], "Unknown option '--nonsense'"],
  [['--port'], "Option '--port <value>' argument missing"],
  [['stray'], "Unexpected argument 'stray'"],
  [['--port', '70000'], '--port 70000: not a whole number from 0 to 65535'],
  [['--port', '8o'], '--port 8o: not a whole number'],
  [['--devices=-1'], '--devices -1: not a whole number'],
  [
    ['--devices', '1', '--os', '17.4'],
    '--os 17.4: not a release of iOS 18, or of 26 and later, such as 27.0',
  ],
  [['--os', '27.0'], '--os is for simulated devices: add --devices N'],
  [['--fault', 'slow'], '--fault is for simulated devices: add --devices N'],
  [['--devices', '1', '--fault', 'lazy'], '--fault lazy: not one of not-now, never-settles, '],
  [['--devices', '1', '--fault', 'slow='], '--fault slow=: not one of'],
  [['--port', '-1'], "Option '--port' argument is missing, or begins with a dash"],
  [['--state', ''], '--state: empty'],
  [['--host', ' '], '--host: empty'],
  [['--memory', '2GB'], '--memory 2GB: not a size such as 512M or 2G'],
  [['--api-key='], '--api-key: empty'],
  [['--api-key', 'a\nb'], '--api-key: a line break'],
  [['--api-key', '\ufffd'], '--api-key: a line break or something else that is no text'],
  [['--command-webhook-url', `http://h/${'a'.repeat(4000)}`], 'more than 4000 characters'],
  [['--webhook', 'localhost:9999'], '--webhook localhost:9999: not an http or https URL'],
  [['--push-cert', 'c'], '--push-cert and --push-key are given together'],
])('npm start with %j is refused in one clear line', (args, message) => {
  let line = ''
  try {
    readOptions(args)
  } catch (error) {
    line = String(error)
  }
  expect(line).toContain(message)
  expect(line).not.toContain('\n')
})

test('an answer of simulated devices is read with its times, and other texts are refused', () => {
  expect(readStepAnswer('InstallProfile=NotNow:2')).toEqual({
    requestType: 'InstallProfile',
    answer: 'NotNow',
    times: 2,
  })
  expect(readStepAnswer('DeviceConfigured=silence')).toEqual({
    requestType: 'DeviceConfigured',
    answer: 'silence',
  })
  for (const text of ['InstallProfile', 'InstallProfile=Maybe', 'A=Error:x', '=Error']) {
    expect(() => readStepAnswer(text)).toThrow(`--answer ${text}: not TYPE=Error, TYPE=NotNow,`)
  }
})

test('the lines for the simulated portal quote the API key for a shell', () => {
  const text = portalText('http://127.0.0.1:2', { url: 'http://127.0.0.1:1', apiKey: "it's" })
  expect(text).toContain(
    "curl -s -u 'micromdm:it'\\''s' -X POST http://127.0.0.1:1/api/dep/keys | curl -s -T -",
  )
  expect(text).toContain('npm run simulate -- --server http://127.0.0.1:1 --dep http://127.0.0.1:2')
})

test('the help has a line for each flag', () => {
  const help = helpText()
  const flags = [
    'port',
    'host',
    'state',
    'api-key',
    'webhook',
    'command-webhook-url',
    'device-ca',
    'devices',
    'push-cert',
    'push-key',
    'apns',
    'log',
    'reload',
    'help',
  ]
  for (const flag of flags) {
    expect(help).toContain(`--${flag}`)
  }
})

const PANEL = {
  url: 'http://127.0.0.1:1',
  publicUrl: 'http://127.0.0.1:1',
  enrolment: {
    link: 'https://mdm.example.com/?token=x',
    meaning: 'each device that has the link can enrol',
  },
  apiKey: 'secret',
  state: '/s',
  topic: 'com.apple.mgmt.test',
  pushes: 'simulated',
  webhook: '',
  devices: 0,
  openFiles: 1024,
}

test('the panel shows the address, the key, and the ways to enrol', () => {
  const text = panelText(PANEL)
  expect(text).toMatch(/API key +secret\n/)
  expect(text).toMatch(
    /Enrolment +https:\/\/mdm.example.com\/\?token=x\n +each device that has the link can enrol\n/,
  )
  expect(text).toContain('341 devices')
  expect(text).toContain('npm start -- --devices 3')
  expect(text).toMatch(/PUBLIC_URL +not set/)
  expect(text).toContain('cloudflared tunnel --url http://127.0.0.1:1')
})

test('the panel explains a PUBLIC_URL', () => {
  const outside = panelText({ ...PANEL, publicUrl: 'https://mdm.example.com' })
  expect(outside).toMatch(
    /PUBLIC_URL +https:\/\/mdm\.example\.com\n +devices are sent there: it has to lead to http:\/\/127\.0\.0\.1:1\n/,
  )
  expect(outside).not.toContain('cloudflared')
  const plain = panelText({ ...PANEL, publicUrl: 'http://mdm.example.com' })
  expect(plain).toContain('take only https')
})

test('the first command can be pasted into a shell, with any key', () => {
  const device = { id: 'A-1', model: 'iPhone', osVersion: '26.4' }
  const text = tryText('http://127.0.0.1:1', "it's", device)
  expect(text).toContain(
    "curl -u 'micromdm:it'\\''s' 'http://127.0.0.1:1/api/devices/A-1/commands?wait=30'",
  )
  expect(text).toContain('"QueryResponses":{"OSVersion":"26.4"}')
})

test.each([
  [[], { npm_config_devices: '3' }, 'npm start -- --devices 3'],
  [['3'], { npm_config_devices: 'true' }, 'npm start -- --devices 3'],
  [
    ['3', 'http://h/x'],
    { npm_config_webhook: 'true', npm_config_devices: 'true', npm_config_os: '27.0' },
    'npm start -- --webhook http://h/x --devices 3 --os 27.0',
  ],
  [
    ['3', '1', '--log', 'json'],
    { npm_config_port: 'true', npm_config_devices: 'true' },
    'npm start -- --port PORT --devices N --log json',
  ],
])('flags that npm kept, %j, are refused with the right command line', (args, env, line) => {
  expect(() => refuseForgottenDashes('npm start', FLAGS, args, env)).toThrow(
    `write -- before them\n  ${line}`,
  )
})

test.each([
  [['--devices', '3'], {}],
  [[], { npm_config_os: 'linux', npm_config_audit: '' }],
])('%j are not taken for flags that npm kept', (args, env) => {
  expect(() => refuseForgottenDashes('npm start', FLAGS, args, env)).not.toThrow()
})

test.each(['-h', '--help'])('%s prints the help', (flag) => {
  expect(readOptions([flag]).help).toBe(true)
})
