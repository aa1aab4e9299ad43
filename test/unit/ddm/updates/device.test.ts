import { describe, expect, it } from 'vitest'
import { deviceProgress, type UpdateDevice } from '../../../../src/ddm/updates/device.ts'
import type { ChosenTarget, UpdatePolicy } from '../../../../src/ddm/updates/policy.ts'

const NOW = Date.parse('2026-12-09T12:00:00Z')
const TARGET: ChosenTarget = { version: '26.2', deadline: '2026-12-10T19:00:00', since: NOW }
const POLICY: UpdatePolicy = {
  name: 'p',
  platforms: ['macOS', 'iOS', 'tvOS', 'visionOS'],
  rule: {},
  settings: {},
}
const MAC: UpdateDevice = {
  type: 'Device',
  productName: 'Mac15,6',
  model: 'MRX33LL/A',
  modelName: 'MacBook Pro',
  osVersion: '26.1',
  buildVersion: '25B78',
  state: 'applied',
  code: '',
  updates: '',
  reportedAt: NOW,
}
const on = (productName: string, osVersion: string) => ({ ...MAC, productName, osVersion })
const progress = (device: UpdateDevice, policy: Partial<UpdatePolicy> = {}, target = TARGET) =>
  deviceProgress(
    { ...POLICY, ...policy },
    { macOS: target, iOS: target, tvOS: target, visionOS: target },
    device,
    NOW,
  )

describe('the way of a device', () => {
  it.each([
    ['Mac15,6', '14.0', 'declaration'],
    ['Mac15,6', '13.9', 'command'],
    ['Mac15,6', '', 'declaration'],
    ['iPhone14,5', '17.0', 'declaration'],
    ['iPhone14,5', '16.7', 'command'],
    ['AppleTV14,1', '18.4', 'declaration'],
    ['AppleTV14,1', '18.3', 'command'],
    ['AppleTV14,1', '11.4', 'none'],
    ['RealityDevice14,1', '2.5', 'none'],
  ])('%s with %s is %s', (product, version, way) => {
    expect(progress(on(product, version))?.way).toBe(way)
  })

  it('is none under User Enrollment, and for a withdrawn target, with the reason', () => {
    expect(progress({ ...MAC, type: 'User Enrollment (Device)' })).toMatchObject({
      way: 'none',
      state: 'not-applied',
      reason: expect.stringContaining('User Enrollment'),
    })
    expect(progress(MAC, {}, { ...TARGET, withdrawn: 'Apple stopped' })).toMatchObject({
      way: 'none',
      reason: 'Apple stopped',
    })
  })
})

describe('the progress of a device', () => {
  it('is reached by the version, though the declaration is an error then', () => {
    const failed = { state: 'failed' as const, code: 'Error.ConfigurationIsInvalid' }
    expect(progress({ ...MAC, ...failed })).toMatchObject({
      state: 'not-applied',
      reason: failed.code,
    })
    expect(progress({ ...MAC, ...failed, osVersion: '26.2' })).toMatchObject({
      state: 'reached',
      reason: '',
    })
    expect(progress(on('Mac15,6', '13.9'))?.state).toBe('pending')
    expect(progress({ ...on('iPhone14,5', '16.7'), osVersion: '26.2' })?.state).toBe('reached')
  })

  it('is read from what the directory keeps', () => {
    const updates = JSON.stringify({
      'softwareupdate.pending-version': { 'os-version': '26.2', 'build-version': '' },
      'softwareupdate.failure-reason': { count: 1, reason: 'no room' },
    })
    expect(progress({ ...MAC, updates })).toMatchObject({ state: 'failed', reason: 'no room' })
    expect(progress({ ...MAC, state: null, reportedAt: 0 })?.state).toBe('pending')
    expect(progress({ ...MAC, reportedAt: 1 })?.state).toBe('silent')
  })

  it('concerns devices of the platform that the rule takes', () => {
    const rule = { osVersionFrom: '26', model: ['MacBook Pro'] }
    expect(progress(MAC, { rule })).toBeDefined()
    expect(progress({ ...MAC, osVersion: '15.7' }, { rule })).toBeUndefined()
    expect(progress({ ...MAC, modelName: 'Mac mini' }, { rule })).toBeUndefined()
    expect(progress(MAC, { platforms: ['iOS'] })).toBeUndefined()
    expect(progress(on('Watch7,1', '26.1'))).toBeUndefined()
  })
})
