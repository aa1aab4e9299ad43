import { describe, expect, it } from 'vitest'
import { lacksOf, needsOf } from '../../../src/apple/support.ts'
import { platformOf } from '../../../src/apple/platform.ts'
import { isBefore } from '../../../src/apple/version.ts'
import type { PlistDict } from '../../../src/plist/value.ts'

const MAC = 'Mac15,6'
const IPHONE = 'iPhone14,5'
const IPAD = 'iPad14,3'

function lacks(
  productName: string,
  osVersion: string,
  requestType: string,
  command: PlistDict = {},
  profile?: PlistDict,
): string {
  const needs = needsOf(requestType, command, profile)
  return lacksOf(needs, { productName, osVersion }).join('; ')
}

const queries = (...Queries: string[]): PlistDict => ({ Queries })
const setting = (Item: string): PlistDict => ({ Settings: [{ Item }] })

describe('a command that a device’s OS does not have', () => {
  it.each<[string, string, string, PlistDict, string]>([
    [
      MAC,
      '27.0',
      'ScheduleOSUpdate',
      {},
      'macOS 27.0 has removed the command ScheduleOSUpdate; in its place: com.apple.configuration.softwareupdate.enforcement.specific',
    ],
    [MAC, '27.1.2', 'AvailableOSUpdates', {}, 'status softwareupdate.*'],
    [MAC, '27.0', 'OSUpdateStatus', {}, 'softwareupdate.install-state'],
    [MAC, '27.0', 'ScheduleOSUpdateScan', {}, 'com.apple.configuration.softwareupdate.settings'],
    [IPAD, '27.0', 'ScheduleOSUpdate', {}, 'iPadOS 27.0 has removed'],
    ['AppleTV14,1', '27.0', 'ScheduleOSUpdate', {}, 'tvOS 27.0 has removed'],
    [
      IPHONE,
      '18.1',
      'ScheduleOSUpdateScan',
      {},
      'iOS does not have the command ScheduleOSUpdateScan',
    ],
    [
      IPHONE,
      '26.5',
      'TriggerEnhancedLogCollection',
      {},
      'the command TriggerEnhancedLogCollection came with iOS 27.0, and the device has 26.5',
    ],
    [IPHONE, '18.1', 'SetRecoveryLock', {}, 'iOS does not have the command SetRecoveryLock'],
    [MAC, '11.4', 'SetRecoveryLock', {}, 'came with macOS 11.5'],
    [
      MAC,
      '27.0',
      'DeviceInformation',
      queries('OSVersion', 'OSUpdateSettings'),
      'macOS 27.0 has removed the query OSUpdateSettings; in its place: com.apple.configuration.softwareupdate.settings',
    ],
    [
      IPHONE,
      '27.0',
      'DeviceInformation',
      queries('SoftwareUpdateSettings'),
      'the query SoftwareUpdateSettings',
    ],
    [
      IPHONE,
      '18.1',
      'DeviceInformation',
      queries('EthernetMAC'),
      'iOS does not have the query EthernetMAC',
    ],
    [
      IPHONE,
      '27.0',
      'Settings',
      setting('SoftwareUpdateSettings'),
      'iOS 27.0 has removed the setting SoftwareUpdateSettings',
    ],
    [MAC, '15.1', 'Settings', setting('Wallpaper'), 'macOS does not have the setting Wallpaper'],
    [MAC, '', 'Settings', setting('Wallpaper'), 'macOS does not have the setting Wallpaper'],
  ])('%s %s: %s %j', (product, os, requestType, command, text) => {
    expect(lacks(product, os, requestType, command)).toContain(text)
  })

  it.each<[string, string, string, PlistDict]>([
    [MAC, '26.9', 'ScheduleOSUpdate', {}],
    [IPAD, '26.9', 'ScheduleOSUpdate', {}],
    ['RealityDevice14,1', '27.0', 'DeviceInformation', queries('SoftwareUpdateDeviceID')],
    [MAC, '11.5', 'SetRecoveryLock', {}],
    [MAC, '', 'ScheduleOSUpdate', {}],
    [MAC, 'beta', 'ScheduleOSUpdate', {}],
    ['', '27.0', 'ScheduleOSUpdate', {}],
    ['Toaster1,1', '27.0', 'ScheduleOSUpdate', {}],
    [MAC, '27.0', 'DeviceInformation', queries('NewQuery', 'constructor')],
    [MAC, '27.0', 'NewCommand', {}],
    [MAC, '27.0', 'Settings', { Settings: 'x' }],
    [MAC, '27.0', 'DeviceInformation', { Queries: [5] }],
  ])('%s %s has, or may have: %s %j', (product, os, requestType, command) => {
    expect(lacks(product, os, requestType, command)).toBe('')
  })
})

describe('a profile', () => {
  const restrictions = {
    PayloadContent: [
      {
        PayloadType: 'com.apple.applicationaccess',
        forceDelayedSoftwareUpdates: true,
        allowCamera: false,
      },
    ],
  }
  const updates = { PayloadContent: [{ PayloadType: 'com.apple.SoftwareUpdate' }, 'x', {}] }

  it('may hold a part that the device’s version has removed', () => {
    const install = (os: string, product: string, profile: PlistDict) =>
      lacks(product, os, 'InstallProfile', {}, profile)
    expect(install('27.0', MAC, updates)).toBe(
      'macOS 27.0 has removed com.apple.SoftwareUpdate in a profile; in its place: com.apple.configuration.softwareupdate.settings',
    )
    expect(install('26.4', MAC, updates)).toBe('')
    expect(install('27.0', IPHONE, updates)).toBe('')
    expect(install('27.0', IPHONE, restrictions)).toContain(
      'com.apple.applicationaccess/forceDelayedSoftwareUpdates in a profile; in its place:',
    )
    expect(install('27.0', IPHONE, restrictions)).not.toContain('allowCamera')
    expect(install('27.0', MAC, {})).toBe('')
  })
})

it('needs are named once, and only those that not every device meets', () => {
  const restrictions = {
    PayloadType: 'com.apple.applicationaccess',
    forceDelayedSoftwareUpdates: true,
    allowCamera: false,
  }
  expect(needsOf('InstallProfile', {}, { PayloadContent: [restrictions, restrictions] })).toEqual([
    'InstallProfile',
    'profile com.apple.applicationaccess/forceDelayedSoftwareUpdates',
  ])
  const names = ['SerialNumber', 'NewQuery', 'SerialNumber']
  expect(needsOf('DeviceInformation', queries(...names))).toEqual([
    'DeviceInformation',
    'DeviceInformation/SerialNumber',
  ])
})

it('versions are compared by number', () => {
  expect(isBefore('9.3', '26.0')).toBe(true)
  expect(isBefore('26.0', '9.3')).toBe(false)
  expect(isBefore('15', '15.0')).toBe(false)
  expect(isBefore('15.0.0', '15')).toBe(false)
  expect(isBefore('15.0.9', '15.1')).toBe(true)
})

it('a product name determines the platform', () => {
  const names = ['MacBookPro18,3', 'iMac21,1', 'VirtualMac2,1', 'iPod9,1', 'iPad14,3', 'Watch7,1']
  expect(names.map(platformOf)).toEqual(['macOS', 'macOS', 'macOS', 'iOS', 'iPadOS', 'watchOS'])
  expect(platformOf('')).toBeUndefined()
})
