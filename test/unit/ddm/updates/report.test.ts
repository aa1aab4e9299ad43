import { describe, expect, it } from 'vitest'
import { updateReport } from '../../../../src/ddm/updates/report.ts'

const of = (items: Readonly<Record<string, unknown>>) => {
  const json = updateReport((name) => items[name])
  return json === '' ? undefined : JSON.parse(json)
}

describe('what the directory keeps of a report about updates', () => {
  it('is all that progress depends on, without times', () => {
    const reason = { reason: ['declaration'], 'declaration-id': 'ex.cfg.os' }
    const pending = { 'os-version': '26.2', 'build-version': '25C200' }
    expect(
      of({
        'softwareupdate.install-state': 'downloading',
        'softwareupdate.install-reason': reason,
        'softwareupdate.pending-version': {
          ...pending,
          'target-local-date-time': '2026-12-10T19:00:00',
        },
        'softwareupdate.failure-reason': { count: 2, reason: 'no room', timestamp: '2026-12-09' },
        'device.operating-system.supplemental.build-version': '25B83a',
        'softwareupdate.device-id': 'J314cAP',
      }),
    ).toEqual({
      'softwareupdate.install-state': 'downloading',
      'softwareupdate.install-reason': { 'declaration-id': 'ex.cfg.os' },
      'softwareupdate.pending-version': pending,
      'softwareupdate.failure-reason': { count: 2, reason: 'no room' },
      'device.operating-system.supplemental.build-version': '25B83a',
    })
  })

  it('says that no update is pending, and is empty where a device says nothing', () => {
    const none = { 'os-version': '', 'build-version': '' }
    const idle = {
      'softwareupdate.install-state': 'none',
      'softwareupdate.install-reason': { reason: [] },
      'softwareupdate.failure-reason': { count: 0 },
    }
    expect(of({ ...idle, 'softwareupdate.pending-version': none })).toEqual({
      'softwareupdate.pending-version': none,
    })
    expect(of(idle)).toBeUndefined()
  })

  it('is short, whatever a device sends', () => {
    const long = 'x'.repeat(100_000)
    const hostile = {
      'softwareupdate.install-state': long,
      'softwareupdate.install-reason': { 'declaration-id': long },
      'softwareupdate.pending-version': { 'os-version': long, 'build-version': [long] },
      'softwareupdate.failure-reason': { count: 1e300, reason: long },
      'device.operating-system.supplemental.build-version': { [long]: long },
    }
    expect(JSON.stringify(of(hostile)).length).toBeLessThan(1000)
    expect(of({ 'softwareupdate.failure-reason': { count: '3' } })).toBeUndefined()
  })
})
