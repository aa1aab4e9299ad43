import { expect, it } from 'vitest'
import { commandCatalogue } from '../../../src/command-types/catalogue.ts'
import type { TypeKey } from '../../../src/command-types/document.ts'
import facts from '../../../src/command-types/facts.json' with { type: 'json' }
import { titleOfKey } from '../../../src/command-types/key-words.ts'

const TYPES = commandCatalogue()

function typeOf(name: string) {
  return TYPES.find((one) => one.request_type === name)
}

/** The paths of keys, with the kinds of a setting as in facts.json. */
function pathsIn(keys: readonly TypeKey[], path: readonly string[] = []): readonly string[] {
  return keys.flatMap((key) => {
    const own = [...path, key.key]
    const { item } = key
    const kinds = item?.kinds ?? []
    return [
      own.join('.'),
      ...pathsIn(key.keys ?? item?.keys ?? [], own),
      ...kinds.flatMap((kind) => [
        [...own, kind.item].join('.'),
        ...pathsIn(kind.keys, [...own, kind.item]),
      ]),
      ...(item?.values ?? []).map(({ value }) => [...own, value].join('.')),
    ]
  })
}

it.each(Object.entries(facts))('has a key for each fact about %s', (name, known) => {
  const paths = new Set(pathsIn(typeOf(name)?.keys ?? []))
  const named = 'keys' in known ? Object.keys(known.keys) : []
  expect(named.filter((path) => !paths.has(path) && !path.endsWith('.Item'))).toEqual([])
})

it('says from when to when a command exists, and for whom', () => {
  const [mac, phone] = typeOf('ScheduleOSUpdate')?.availability ?? []
  expect(mac).toMatchObject({ platform: 'macOS', deprecated: '26.0', removed: '27.0' })
  expect(phone).toMatchObject({ platform: 'iOS', supervised: true, user_enrollment: false })
  expect(typeOf('LogOutUser')?.availability).toMatchObject([
    { platform: 'iOS', channels: [], shared_ipad: ['device'] },
  ])
})

it('puts first what is needed, then what people fill in', () => {
  const keysOf = (name: string) => typeOf(name)?.keys.map(({ key }) => key)
  expect(keysOf('DeviceLock')).toEqual([
    'Message',
    'PhoneNumber',
    'PIN',
    'RequestRequiresNetworkTether',
  ])
  expect(keysOf('SetRecoveryLock')?.[0]).toBe('NewPassword')
})

it('reads the names of keys as words', () => {
  expect(['DisallowProximitySetup', 'ManifestURL', 'iOSApp', 'BundleID'].map(titleOfKey)).toEqual([
    'Disallow proximity setup',
    'Manifest URL',
    'iOS app',
    'Bundle ID',
  ])
})

it('says what is lost by each command that is destructive or removes something', () => {
  const losing = TYPES.filter((one) => one.destructive || one.request_type.startsWith('Remove'))
  expect(losing.length).toBeGreaterThan(11)
  expect(TYPES.filter(({ loses }) => loses !== null)).toEqual(losing)
})
