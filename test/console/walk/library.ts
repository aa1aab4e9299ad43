/** What an admin stores: declarations, sets, profiles, update policies, blueprints, an account at Apple. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { RunningServer } from '../../e2e/server.ts'
import type { Office } from './fleet.ts'

/** Ids in the addresses of their screens. */
export const LIBRARY = {
  declaration: 'com.example.passcode',
  set: 'all-macs',
  update: 'macs',
  profile: 'com.example.wifi',
  blueprint: 'staff',
}

const WIFI = `<?xml version="1.0"?><plist version="1.0"><dict>
  <key>PayloadContent</key><array><dict><key>PayloadType</key><string>com.apple.wifi.managed</string>
  <key>PayloadIdentifier</key><string>com.example.wifi.office</string>
  <key>PayloadUUID</key><string>0C7F4E1A-52C8-4D0B-8F07-0A9A3B8E6F11</string>
  <key>PayloadVersion</key><integer>1</integer><key>SSID_STR</key><string>Office</string></dict></array>
  <key>PayloadDisplayName</key><string>Office Wi-Fi</string>
  <key>PayloadIdentifier</key><string>${LIBRARY.profile}</string>
  <key>PayloadType</key><string>Configuration</string>
  <key>PayloadUUID</key><string>6D1C6B5E-6A9E-4C5A-9D0E-0F1A2B3C4D5E</string>
  <key>PayloadVersion</key><integer>1</integer></dict></plist>`

export async function fillLibrary({ call }: Office): Promise<void> {
  const { declaration, set, update, profile, blueprint } = LIBRARY
  await call('PUT', `/api/declarations/${declaration}`, {
    type: 'com.apple.configuration.passcode.settings',
    payload: { MinimumLength: 8 },
  })
  await call('PUT', `/api/sets/${set}`, {
    description: 'every Mac',
    rule: { platform: ['macOS'] },
    declarations: [declaration],
  })
  await call('PUT', `/api/software-updates/${update}`, {
    platforms: ['macOS'],
    target: { version: '26.4' },
    deadline: { local: '2027-01-10T19:00:00' },
  })
  await call('PUT', `/api/profiles/${profile}`, { mobileconfig: btoa(WIFI) })
  await call('PUT', `/api/blueprints/${blueprint}`, {
    name: 'Staff Macs',
    match: { platform: ['macOS'] },
    steps: [{ do: 'profile', id: profile, required: true }],
  })
}

/** Lines of a shell that a server with `--dep-simulator` prints: what a person does at Apple’s web site. */
const STEPS = ['Upload the certificate of this server', 'Download the token', 'Import it here']

/** @returns the id of the account */
export async function openAccount(server: RunningServer, { call }: Office): Promise<string> {
  const lines = server.output().split('\n')
  for (const step of STEPS) {
    const line = lines[lines.findIndex((text) => text.trim() === `${step}:`) + 1]?.trim() ?? ''
    await promisify(execFile)('bash', ['-euo', 'pipefail', '-c', line], { cwd: server.state })
  }
  const { items } = await call<{ items: { id: string }[] }>('GET', '/api/dep/accounts')
  const [account] = items
  if (!account) {
    throw new Error('no account has been imported')
  }
  return account.id
}
