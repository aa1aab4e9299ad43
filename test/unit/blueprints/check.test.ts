import { describe, expect, it } from 'vitest'
import type { BlueprintStep } from '../../../src/blueprints/blueprint.ts'
import { checkBlueprint, type GivenBlueprint } from '../../../src/blueprints/check.ts'
import { blueprint } from './blueprints.ts'

const KNOWN = { profiles: new Set(['p', 'q']), users: new Set(['u']) }
const RESTART = { request_type: 'RestartDevice' }

/** A blueprint as a request has it. */
function given(parts: object): GivenBlueprint {
  const { version: _, ...rest } = blueprint()
  return { ...rest, ...parts }
}

/** The places at fault of a blueprint. */
function placesOf(parts: object): string[] {
  const checked = checkBlueprint(given(parts), KNOWN)
  return checked.ok ? [] : checked.faults.map(({ at }) => at)
}

/** The fault of one step. */
function faultOf(step: object): string {
  const checked = checkBlueprint(given({ steps: [step] }), KNOWN)
  return checked.ok ? '' : checked.faults.map(({ at, detail }) => `${at}: ${detail}`).join('; ')
}

describe('a step is taken', () => {
  const steps: BlueprintStep[] = [
    { do: 'profile', id: 'p', required: true, timeout_s: 10, when: { platform: ['macOS'] } },
    { do: 'package', manifest: 'https://x.example/a.plist' },
    { do: 'package', manifest: '/repo/a b.plist', wait: 'installed', identifier: 'com.x' },
    { do: 'app', itunes_store_id: 361309726, wait: 'ack' },
    { do: 'declarations' },
    { do: 'declarations', wait: 'valid', of: ['com.example.a'] },
    { do: 'account', admin: 'u', skip_primary: true, regular_user: true },
    { do: 'account', primary: { full_name: 'Mac ${serial_number}', lock: true } },
    { do: 'command', command: RESTART },
    { do: 'command', command: { Command: { RequestType: 'RestartDevice' } } },
    {
      do: 'command',
      command: {
        request_type: 'Settings',
        settings: [{ item: 'DeviceName', device_name: 'M-${serial_number}' }],
      },
    },
    { do: 'hold', timeout_s: 7200 },
    { do: 'release' },
  ]
  it.each(steps)('%j', (step) => {
    expect(faultOf(step)).toBe('')
  })
})

describe('a step is refused', () => {
  it.each([
    [{ do: 'profile', id: 'x' }, 'steps.0.id: no profile is stored under the id x'],
    [{ do: 'profile' }, 'steps.0.id: is missing'],
    [{ do: 'profile', id: 'p', manifest: '/repo/a' }, /^steps\.0\.manifest: .*no such key/],
    [{ do: 'profile', id: 'p', timeout_s: 9 }, /^steps\.0\.timeout_s: .* 10 to 7200$/],
    [{ do: 'profile', id: 'p', timeout_s: 10.5 }, /^steps\.0\.timeout_s/],
    [{ do: 'profile', id: 'p', when: { os: '>14' } }, /^steps\.0\.when\.os: has to be a range/],
    [{ do: 'package', manifest: 'repo/a.plist' }, /^steps\.0\.manifest: repo\/a\.plist is neither/],
    [{ do: 'package', manifest: '/v1/users' }, /^steps\.0\.manifest/],
    [{ do: 'package', manifest: 'file:///a' }, /^steps\.0\.manifest/],
    [
      { do: 'package', manifest: '/repo/a', wait: 'installed' },
      /^steps\.0\.identifier: is missing/,
    ],
    [{ do: 'package', manifest: '/repo/a', wait: 'valid' }, /^steps\.0\.wait: valid is not one of/],
    [{ do: 'app', itunes_store_id: 0 }, /^steps\.0\.itunes_store_id/],
    [{ do: 'declarations', wait: 'installed' }, /^steps\.0\.wait/],
    [{ do: 'declarations', of: [''] }, /^steps\.0\.of\.0/],
    [{ do: 'account' }, 'steps.0: makes nothing: name an `admin`, or say something of `primary`'],
    [{ do: 'account', admin: 'x' }, 'steps.0.admin: no setup user has the id x'],
    [
      { do: 'account', skip_primary: true, primary: { user_name: 'a' } },
      /^steps\.0\.skip_primary: needs `admin`/,
    ],
    [{ do: 'account', admin: 'u', primary: { lock: true } }, /^steps\.0\.primary\.lock/],
    [
      { do: 'account', primary: { user_name: '${user_short_name}' } },
      /^steps\.0\.primary: \$\{user_short_name\} is no variable/,
    ],
    [{ do: 'command', command: {} }, /^steps\.0\.command: request_type is missing/],
    [
      { do: 'command', command: { request_type: 'RestartDevise' } },
      /^steps\.0\.command: .*RestartDevise.*RestartDevice/,
    ],
    [{ do: 'command', command: { ...RESTART, now: true } }, /^steps\.0\.command\.now: /],
    [{ do: 'command', command: { ...RESTART, udid: 'U' } }, /^steps\.0\.command\.udid: is made/],
    [
      { do: 'command', command: { ...RESTART, command_uuid: 'U' } },
      /^steps\.0\.command\.command_uuid/,
    ],
    [
      { do: 'command', command: { Command: { RequestType: 'DeviceConfigured' } } },
      /^steps\.0\.command: DeviceConfigured is what the server sends/,
    ],
    [
      { do: 'command', command: { request_type: 'EraseDevice' } },
      /^steps\.0\.command: EraseDevice would begin/,
    ],
    [
      { do: 'command', command: { request_type: 'SetRecoveryLock', new_password: 'secret' } },
      /^steps\.0\.command: SetRecoveryLock holds a secret/,
    ],
    [
      { do: 'command', command: { ...RESTART, kext_paths: ['${serial}'] } },
      /^steps\.0\.command: \$\{serial\} is no variable; these are: serial_number, udid/,
    ],
  ])('%j', (step, fault) => {
    expect(faultOf(step)).toMatch(fault)
  })
})

describe('a blueprint', () => {
  it('without faults comes back as it is', () => {
    const whole = given({ steps: [{ do: 'profile', id: 'p' }, { do: 'release' }] })
    expect(checkBlueprint(whole, KNOWN)).toEqual({ ok: true, blueprint: whole })
  })

  it.each([
    [{ name: '' }, 'name'],
    [{ name: ' a' }, 'name'],
    [{ name: 'a\u202eb' }, 'name'],
    [{ name: 'x'.repeat(101) }, 'name'],
    [{ uuid: '' }, 'id'],
    [{ time_limit_s: 59 }, 'time_limit_s'],
    [{ time_limit_s: 7201 }, 'time_limit_s'],
    [{ priority: 0.5 }, 'priority'],
    [{ match: { os: 'new' } }, 'match.os'],
    [{ match: { platform: [] } }, 'match.platform'],
    [{ match: { param: {} } }, 'match.param'],
    [{ match: { serial: ['A', ''] } }, 'match.serial.1'],
    [{ steps: Array.from({ length: 101 }, () => ({ do: 'hold' })) }, 'steps'],
    [{ steps: [{ do: 'release' }, { do: 'hold' }] }, 'steps.0'],
    [
      {
        steps: [
          { do: 'account', admin: 'u' },
          { do: 'account', admin: 'u' },
        ],
      },
      'steps.1',
    ],
    [
      {
        steps: [
          { do: 'profile', id: 'p' },
          { do: 'profile', id: 'q' },
          { do: 'profile', id: 'p' },
        ],
      },
      'steps.2',
    ],
  ])('is refused for %j', (parts, at) => {
    expect(placesOf(parts)).toEqual([at])
  })

  it('may have a hundred steps, and take two hours', () => {
    const steps = Array.from({ length: 100 }, () => ({ do: 'hold' }))
    expect(placesOf({ steps, time_limit_s: 7200, name: 'x'.repeat(100) })).toEqual([])
    expect(placesOf({ steps: [], time_limit_s: 60 })).toEqual([])
  })

  it('is refused when a row of the database could not hold it', () => {
    const command = { ...RESTART, kext_paths: ['x'.repeat(500_000)] }
    expect(placesOf({ steps: [{ do: 'command', command }] })).toEqual(['steps'])
  })

  it('names all of its faults at once', () => {
    const steps = [
      { do: 'profile', id: 'x' },
      { do: 'package' },
      { do: 'account', admin: 'y', wait: 'ack' },
      { do: 'release' },
      { do: 'hold', timeout_s: 1 },
    ]
    expect(placesOf({ name: '', time_limit_s: 1, match: { os: '?' }, steps })).toEqual([
      'name',
      'time_limit_s',
      'match.os',
      'steps.0.id',
      'steps.1.manifest',
      'steps.2.wait',
      'steps.4.timeout_s',
      'steps.3',
    ])
  })
})
