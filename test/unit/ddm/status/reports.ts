import { mergeStatus, NO_STATUS, type ChannelStatus } from '../../../../src/ddm/status/merge.ts'
import { readReport, type StatusReport } from '../../../../src/ddm/status/report.ts'

export const TOKEN = {
  activation: '538ebcfa56fbc64ab7b2d54a155850b0',
  passcode: 'e519efb06585b8219a806aade0585f8a',
  subscriptions: '9ff70018f027ad2e8276f99ae156e959',
  properties: '3b11ac7f601cc7ce392acd56363a0a17',
}

/** The manifest of the channel in these tests. */
export const OFFERED: ReadonlyMap<string, string> = new Map([
  ['ex.act.base', TOKEN.activation],
  ['ex.cfg.passcode', TOKEN.passcode],
  ['ex.cfg.subs', TOKEN.subscriptions],
  ['ex.mgt.props', TOKEN.properties],
])

export const declared = (identifier: string, token: string, more: object = {}): object => ({
  identifier,
  'server-token': token,
  active: true,
  valid: 'valid',
  ...more,
})

export const FULL = {
  StatusItems: {
    management: {
      declarations: {
        activations: [declared('ex.act.base', TOKEN.activation)],
        assets: [],
        configurations: [
          declared('ex.cfg.passcode', TOKEN.passcode),
          declared('ex.cfg.subs', TOKEN.subscriptions),
        ],
        management: [declared('ex.mgt.props', TOKEN.properties, { active: false })],
      },
    },
    device: { 'operating-system': { version: '26.1' } },
    softwareupdate: { 'install-state': 'none' },
    package: {
      list: [
        { identifier: 'com.ex.tool', state: 'installed', version: '1' },
        { identifier: 'com.ex.old', state: 'installed' },
      ],
    },
  },
  Errors: [],
  FullReport: true,
}

export const INCREMENT = {
  StatusItems: {
    management: {
      declarations: {
        activations: [],
        assets: [],
        configurations: [
          declared('ex.cfg.passcode', TOKEN.passcode, {
            valid: 'invalid',
            reasons: [
              {
                code: 'Error.ConfigurationCannotBeApplied',
                description: 'cannot be applied',
                details: { Error: 'conflict' },
              },
            ],
          }),
        ],
        management: [],
      },
    },
    package: { list: [{ identifier: 'com.ex.old', _removed: true }] },
  },
  Errors: [
    { StatusItem: 'device.power.battery-health', Reasons: [{ Code: 'Error.NotSupported' }] },
  ],
}

/** What a device's JSON is read as. Texts are taken as they are. */
export function read(json: unknown): StatusReport {
  const text = typeof json === 'string' ? json : JSON.stringify(json)
  const reading = readReport(new TextEncoder().encode(text))
  if (reading.kind === 'malformed') {
    throw new Error(reading.reason)
  }
  return reading.report
}

/** The status after these reports, at 1, 2, … */
export function after(...reports: readonly unknown[]): ChannelStatus {
  return reports.reduce<ChannelStatus>(
    (status, report, n) => mergeStatus(status, read(report), OFFERED, n + 1).after,
    NO_STATUS,
  )
}

/** The status without the times of its changes. */
export function declarationContent({ declarations, items, errors }: ChannelStatus): unknown {
  const content = (part: ReadonlyMap<string, object>): unknown =>
    Object.fromEntries([...part].map(([key, value]) => [key, { ...value, at: 0 }]))
  return [declarations, items, errors].map(content)
}
