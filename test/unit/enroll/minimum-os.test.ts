import { describe, expect, it } from 'vitest'
import type { MachineInfo } from '../../../src/enroll/machine-info.ts'
import { readMinimumOs, softwareUpdateRequired } from '../../../src/enroll/minimum-os.ts'

const minimum = readMinimumOs('iOS=18.2 macOS=15.1.1, visionos=26')

function asked(product: string, osVersion: string, more: Partial<MachineInfo> = {}) {
  const info = { udid: '', serial: '', build: '', canRequestSoftwareUpdate: true, ...more }
  return softwareUpdateRequired({ ...info, product, osVersion }, minimum)?.details.OSVersion
}

describe('the oldest OS that may enrol', () => {
  it.each([
    ['iPhone16,2', '18.1.1', '18.2'],
    ['iPhone16,2', '9.3', '18.2'],
    ['iPhone16,2', '18.2', 'nothing'],
    ['iPhone16,2', '18.2.1', 'nothing'],
    ['iPhone16,2', '26.0', 'nothing'],
    ['iPod9,1', '15.8', '18.2'],
    ['MacBookPro18,3', '15.1', '15.1.1'],
    ['iMac21,1', '14.9', '15.1.1'],
    ['VirtualMac2,1', '15.1.1', 'nothing'],
    ['RealityDevice14,1', '2.4', '26'],
    // Families without a minimum.
    ['iPad13,1', '12.0', 'nothing'],
    ['AppleTV14,1', '12.0', 'nothing'],
  ])('on a %s with %s requires %s', (product, version, wanted) => {
    expect(asked(product, version) ?? 'nothing').toBe(wanted)
  })

  it('is not required of a device that cannot update now, or does not report its OS', () => {
    expect(asked('iPhone16,2', '17.0', { canRequestSoftwareUpdate: false })).toBeUndefined()
    expect(asked('iPhone16,2', '')).toBeUndefined()
  })

  it('is sent in the body that Apple prescribes', () => {
    const info = {
      udid: '',
      serial: '',
      build: '',
      product: 'iPhone16,2',
      osVersion: '17.0',
      canRequestSoftwareUpdate: true,
    }
    expect(softwareUpdateRequired(info, minimum)).toEqual({
      code: 'com.apple.softwareupdate.required',
      description: 'iOS 17.0 is older than 18.2',
      message: 'This device needs iOS 18.2 or later before it can be managed.',
      details: { OSVersion: '18.2' },
    })
  })

  it.each(['18.2', 'iOS', 'iOS=', 'iOS=new', 'iOS=18.2.1.1', 'Windows=11', 'iOS=18,,macOS=15 =1'])(
    'cannot be written as %s',
    (text) => {
      expect(() => readMinimumOs(text)).toThrow(/is not a system and version/)
    },
  )
})
