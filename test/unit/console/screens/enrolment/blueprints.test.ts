import { expect, it } from 'vitest'
import { BLUEPRINT_DEFAULTS } from '../../../../../src/blueprints/check.ts'
import {
  aboutStep,
  deviceQuery,
  editedBlueprint,
  KINDS,
  kindIn,
  matchText,
  placesOf,
  stepFields,
  withKind,
  withStep,
} from '../../../../../src/console/screens/enrolment/blueprints/fields.ts'
import { keyFaults } from '../../../../../src/blueprints/step-faults.ts'

const KNOWN = { profiles: ['com.example.trust'], users: ['admin'] }

it.each(Object.keys(KINDS))('each field of a step %s is a key that the server takes', (word) => {
  const kind = kindIn(word)
  if (kind === undefined) {
    throw new Error(`${word} is no kind of step`)
  }
  const keys = stepFields(kind, KNOWN).map(({ key }) => key)
  const step = { do: kind, ...Object.fromEntries(keys.map((key) => [key, 'x'])) }
  expect(keyFaults(step, 'steps.0')).toEqual([])
})

it('a step of another kind keeps what all kinds have', () => {
  const step = { do: 'profile', id: 'a', required: true, timeout_s: 60, when: { os: '>=14' } }
  expect(withKind(step, 'hold')).toEqual({
    do: 'hold',
    required: true,
    timeout_s: 60,
    when: { os: '>=14' },
  })
})

it('a new step stands before a release', () => {
  const release = { do: 'release' }
  expect(withStep([{ do: 'hold' }, release])).toEqual([{ do: 'hold' }, { do: 'profile' }, release])
  expect(withStep([{ do: 'hold' }])).toEqual([{ do: 'hold' }, { do: 'profile' }])
})

it.each([
  [{ do: 'profile', id: 'com.example.trust' }, 'com.example.trust'],
  [{ do: 'command', command: { request_type: 'Settings' } }, 'Settings'],
  [{ do: 'app', itunes_store_id: 361309726 }, '361309726'],
  [{ do: 'declarations', of: ['a', 'b'] }, 'a, b'],
  [{ do: 'hold' }, ''],
])('a step %j is about “%s”', (step, about) => {
  expect(aboutStep(step)).toBe(about)
})

it('conditions are one line, in the order of the form', () => {
  expect(matchText({})).toBe('All devices')
  const match = { param: { bp: 'staff' }, dep_profile: ['a', 'b'], os: '>=14', platform: ['macOS'] }
  expect(matchText(match)).toBe('macOS · >=14 · a, b · {"bp":"staff"}')
})

it('the fields of a blueprint have places, those of its steps by their numbers', () => {
  const places = placesOf({ steps: [{ do: 'profile' }, { do: 'account' }] })
  expect(places).toEqual(
    expect.arrayContaining([
      'json.name',
      'json.match.os',
      'json.steps.0.id',
      'json.steps.0.when.os',
      'json.steps.1.primary.lock',
    ]),
  )
  expect(places).not.toContain('json.steps.0.manifest')
})

it('a stored blueprint is edited without what the server sets', () => {
  const own = { name: 'Macs', apply_at: ['Enroll'], ...BLUEPRINT_DEFAULTS, steps: [] }
  const stored = { ...own, id: 'macs', version: 3, changed_at: '2026-11-28T09:00:00Z' }
  expect(editedBlueprint(stored)).toEqual(own)
})

it('an id of an enrolment and a serial number are told apart', () => {
  expect(deviceQuery(' c02example ')).toEqual({ serial_number: 'C02EXAMPLE' })
  expect(deviceQuery('00008110-000A1D2E3F401E')).toEqual({ device_id: '00008110-000A1D2E3F401E' })
})
