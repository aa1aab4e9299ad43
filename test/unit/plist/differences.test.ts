import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { PlistError } from '../../../src/plist/error.ts'
import { readPlist } from '../../../src/plist/read.ts'
import type { PlistReading } from '../../../src/plist/text.ts'

/**
 * A document, and which readers take it: MicroMDM's, Apple's, ours for an admin's and ours for a device's.
 */
interface Difference {
  readonly name: string
  readonly micromdm: boolean
  readonly apple: boolean
  readonly strict: boolean
  readonly device: boolean
  /** A character for each byte, with {@link PARTS} in braces. */
  readonly bytes?: string
  readonly base64?: string
  /** Why we differ from one of them. */
  readonly why?: string
}

const PARTS: Readonly<Record<string, string>> = {
  XML: '<?xml version="1.0" encoding="UTF-8"?>',
  DOCTYPE:
    '<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">',
  COMMAND:
    '<dict><key>Command</key><dict><key>RequestType</key><string>DeviceInformation</string></dict><key>CommandUUID</key><string>0001</string></dict>',
  BEFORE:
    '<dict><key>Command</key><dict><key>RequestType</key><string>DeviceInformation</string><key>K</key>',
  AFTER: '</dict><key>CommandUUID</key><string>0001</string></dict>',
}

const file = join(import.meta.dirname, '../../vectors/plist-differences.json')
const differences: readonly Difference[] = JSON.parse(readFileSync(file, 'utf8'))

function documentOf({ bytes, base64 }: Difference): Uint8Array {
  return bytes === undefined
    ? Buffer.from(base64 ?? '', 'base64')
    : Buffer.from(
        bytes.replace(/\{([A-Z]+)\}/g, (_, part: string) => PARTS[part] ?? ''),
        'latin1',
      )
}

function takes(document: Uint8Array, reading: PlistReading): boolean {
  try {
    readPlist(document, reading)
    return true
  } catch (error) {
    expect(error).toBeInstanceOf(PlistError)
    return false
  }
}

test.each(differences)('$name is accepted by the readers that the list names', (difference) => {
  const { strict, device, micromdm, apple, why = '' } = difference
  const document = documentOf(difference)
  expect({ strict: takes(document, 'strict'), device: takes(document, 'device') }).toEqual({
    strict,
    device,
  })
  // All that both take is taken, unless the row says why not, and the other way round.
  expect(strict === micromdm && strict === apple ? 'the same' : why).not.toBe('')
  expect(device || !strict).toBe(true)
})
