import type { Platform } from '../../apple/platform.ts'

/** Source of random bytes. It is injected, so that a test can repeat a device exactly. */
export type Random = (length: number) => Uint8Array

export interface Hardware {
  readonly productName: string
  readonly modelName: string
  readonly model: string
  /** The name of the model in software updates; Macs have the name of their board. */
  readonly softwareUpdateId: string
  readonly cellular: boolean
  /** The chip id that opens a 25-character UDID; Macs send an RFC 4122 UDID instead. */
  readonly chip: string | undefined
}

export const HARDWARE: Readonly<Record<Platform, Hardware>> = {
  macOS: {
    productName: 'Mac15,6',
    modelName: 'MacBook Pro',
    model: 'MRX33LL/A',
    softwareUpdateId: 'J514sAP',
    cellular: false,
    chip: undefined,
  },
  iOS: {
    productName: 'iPhone14,5',
    modelName: 'iPhone',
    model: 'MLPF3LL/A',
    softwareUpdateId: 'iPhone14,5',
    cellular: true,
    chip: '00008110',
  },
  iPadOS: {
    productName: 'iPad14,3',
    modelName: 'iPad',
    model: 'MNXF3LL/A',
    softwareUpdateId: 'iPad14,3',
    cellular: false,
    chip: '00008112',
  },
  tvOS: {
    productName: 'AppleTV14,1',
    modelName: 'Apple TV',
    model: 'MN873LL/A',
    softwareUpdateId: 'AppleTV14,1',
    cellular: false,
    chip: '00008110',
  },
  watchOS: {
    productName: 'Watch7,1',
    modelName: 'Apple Watch',
    model: 'MR933LL/A',
    softwareUpdateId: 'Watch7,1',
    cellular: false,
    chip: '00008310',
  },
  visionOS: {
    productName: 'RealityDevice14,1',
    modelName: 'Apple Vision Pro',
    model: 'MQL83LL/A',
    softwareUpdateId: 'RealityDevice14,1',
    cellular: false,
    chip: '00008132',
  },
}

/** Platforms whose TokenUpdate carries an UnlockToken (Apple: Token Update). */
export const PLATFORMS_WITH_PASSCODE: ReadonlySet<Platform> = new Set([
  'iOS',
  'iPadOS',
  'watchOS',
  'visionOS',
])

/** An RFC 4122 version 4 UUID in capitals, as Apple's frameworks print one. */
export function newUuid(random: Random): string {
  const hex = Buffer.from(random(16)).toString('hex').toUpperCase()
  const variant = '89AB'.charAt(Number.parseInt(hex.charAt(16), 16) % 4)
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `4${hex.slice(13, 16)}`,
    `${variant}${hex.slice(17, 20)}`,
    hex.slice(20),
  ].join('-')
}

export function newUdid(platform: Platform, random: Random): string {
  const { chip } = HARDWARE[platform]
  return chip === undefined
    ? newUuid(random)
    : `${chip}-${Buffer.from(random(8)).toString('hex').toUpperCase()}`
}

/** Apple leaves I and O out of serial numbers. */
const SERIAL_ALPHABET = 'ABCDEFGHJKLMNPQRSTUVWXYZ0123456789'

export function newSerial(random: Random): string {
  return [...random(12)]
    .map((byte) => SERIAL_ALPHABET.charAt(byte % SERIAL_ALPHABET.length))
    .join('')
}
