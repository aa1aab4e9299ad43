import { buildBinary } from 'plist'
import { describe, expect, it } from 'vitest'
import { readMachineInfo } from '../../../src/enroll/machine-info.ts'
import { PlistError } from '../../../src/plist/error.ts'
import { xmlWith } from '../../devices/xml.ts'

function info(entries: Readonly<Record<string, string>>): Uint8Array {
  return xmlWith({ UDID: '<string>U</string>', SERIAL: '<string>S</string>', ...entries })
}

const told = { udid: 'U', serial: 'S', product: '', build: '', osVersion: '' }

describe('MachineInfo', () => {
  it.each([
    ['LANGUAGE', '<string>e\x1bn\xff</string>', {}],
    ['DEVICE_NAME', '<string>a&#27;</string>', {}],
    ['X', '<date>never</date>', {}],
    ['PRODUCT', '<string>Mac\x01</string>', { product: 'Mac�' }],
    ['VERSION', '<integer>1</integer>', {}],
    ['OS_VERSION', '<real>26.1</real>', {}],
    ['MDM_CAN_REQUEST_SOFTWARE_UPDATE', '<string>true</string>', {}],
    ['MDM_CAN_REQUEST_SOFTWARE_UPDATE', '<true/>', { canRequestSoftwareUpdate: true }],
  ])('is read with any %s: %s', (key, value, change) => {
    const read = readMachineInfo(info({ [key]: value }))
    expect(read).toEqual({ ...told, canRequestSoftwareUpdate: false, ...change })
  })

  it.each(['UDID', 'SERIAL'])('is refused when its %s is broken', (key) => {
    for (const value of ['S\x1b', 'S\xff', '&#27;', '\xed\xa0\x80', '&#xD800;']) {
      const body = info({ [key]: `<string>${value}</string>` })
      expect(() => readMachineInfo(body)).toThrow(PlistError)
      expect(() => readMachineInfo(body)).toThrow(`${key} holds bytes or characters`)
    }
    expect(() => readMachineInfo(info({ [key]: '<integer>1</integer>' }))).toThrow(PlistError)
  })

  it('may be binary', () => {
    const bytes = Buffer.from(buildBinary({ UDID: 'U', SERIAL: 'S', LANGUAGE: 'xy' }))
    // The language becomes a date of an unknown form.
    bytes[bytes.lastIndexOf('Rxy', undefined, 'latin1')] = 0x31
    expect(readMachineInfo(bytes)).toMatchObject(told)
  })
})
