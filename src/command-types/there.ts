import { availability } from '../apple/schema.ts'
import type { Platform } from '../apple/platform.ts'
import type { KeyThere, There } from './document.ts'

/** A key of facts.json: `on` is `iOS@17.0~26.0-27.0` with the versions of deprecation and removal. */
interface KeyFact {
  readonly default?: string | number | boolean
  readonly on?: string
  /** The platforms on which the device has to be supervised. */
  readonly supervised?: string
}

/** A command of facts.json. */
export interface Known {
  readonly supervised?: string
  readonly automated?: string
  readonly deprecated?: string
  readonly keys?: Readonly<Record<string, KeyFact>>
}

const SCHEMA_PLATFORMS: readonly Platform[] = ['macOS', 'iOS', 'tvOS', 'watchOS', 'visionOS']
const KEY_ON = /^(\w+)@([\d.]+)(?:~([\d.]+))?(?:-([\d.]+))?$/

/** @param on as in src/apple/commands.json */
export function commandAvailability(on: string, known: Known = {}): readonly There[] {
  return SCHEMA_PLATFORMS.flatMap((platform) => {
    const there = availability(on, platform)
    if (!there) {
      return []
    }
    const { channels, since, until } = there
    return [
      {
        platform,
        since,
        ...limits(versionOf(known.deprecated, platform), until, known.supervised, platform),
        channels: named(channels, { d: 'device', u: 'user' }),
        shared_ipad: named(channels, { s: 'device', m: 'user' }),
        user_enrollment: channels.includes('e'),
        automated_enrollment: has(known.automated, platform),
      },
    ]
  })
}

/** Where a key exists, if that differs from what holds it. */
export function keyAvailability(fact: KeyFact | undefined): readonly KeyThere[] | undefined {
  if (fact?.on === undefined) {
    return undefined
  }
  return fact.on.split(' ').flatMap((part) => {
    const [, name, since, deprecated, removed] = KEY_ON.exec(part) ?? []
    const platform = SCHEMA_PLATFORMS.find((one) => one === name)
    return platform && since !== undefined
      ? [{ platform, since, ...limits(deprecated, removed, fact.supervised, platform) }]
      : []
  })
}

function named<Word>(letters: string, words: Readonly<Record<string, Word>>): readonly Word[] {
  return Object.entries(words).flatMap(([letter, word]) => (letters.includes(letter) ? [word] : []))
}

function has(platforms: string | undefined, platform: Platform): boolean {
  return platforms?.split(' ').includes(platform) ?? false
}

function limits(
  deprecated: string | undefined,
  removed: string | undefined,
  supervised: string | undefined,
  platform: Platform,
): Pick<KeyThere, 'deprecated' | 'removed' | 'supervised'> {
  return {
    ...(deprecated !== undefined && { deprecated }),
    ...(removed !== undefined && { removed }),
    ...(has(supervised, platform) && { supervised: true }),
  }
}

function versionOf(versions: string | undefined, platform: Platform): string | undefined {
  const entry = versions?.split(' ').find((part) => part.startsWith(`${platform}@`))
  return entry?.slice(platform.length + 1)
}
