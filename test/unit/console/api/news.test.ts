import { describe, expect, it } from 'vitest'
import {
  ALL,
  type Activity,
  addressesOf,
  backOff,
  newNews,
} from '../../../../src/console/api/news.ts'
import { readEvents } from '../../../../src/console/api/events.ts'

const NOW = 1_000_000

function entry(more: Partial<Activity> = {}): Activity {
  return {
    id: 1,
    at: '2026-11-24T22:00:00.000Z',
    kind: 'command.acknowledged',
    device_id: 'A:1',
    serial_number: null,
    device_name: null,
    command_id: 'A:1.7',
    request_type: null,
    actor: null,
    job_id: null,
    ...more,
  }
}

describe('the text of a stream', () => {
  it('has events, and a rest that waits for more text', () => {
    const text =
      'retry: 2000\nevent: hello\nid: 4\ndata: {"a":1}\n\nid: 5\ndata: {"b":": "}\n\ndata: {"c'
    expect(readEvents(text)).toEqual({
      events: [
        { event: 'hello', id: '4', data: '{"a":1}', retry: '2000' },
        { event: 'message', id: '5', data: '{"b":": "}', retry: undefined },
      ],
      rest: 'data: {"c',
    })
  })

  it('may have comments, which are no events', () => {
    expect(readEvents(': ping\n\n')).toEqual({ events: [], rest: '' })
  })
})

describe('news', () => {
  it('makes the device, the command and the job old, and lists only when a row changes', () => {
    expect(addressesOf(entry())).toEqual(['/api/devices/A%3A1', '/api/commands/A%3A1.7'])
    expect(addressesOf(entry({ device_id: null, command_id: null, job_id: 'j' }))).toEqual([
      '/api/jobs/j',
      '/api/jobs?',
    ])
    const enrolled = addressesOf(entry({ kind: 'device.enrolled', command_id: null }))
    expect(enrolled).toContain('/api/devices?')
    expect(addressesOf(entry({ kind: 'device.connected', command_id: null }))).toEqual([
      '/api/devices/A%3A1',
    ])
  })

  it('lets one device be read at once, then every 300 ms however much happens', () => {
    const news = newNews()
    const readings: number[] = []
    for (let ms = 0; ms < 1500; ms += 50) {
      news.add(entry(), NOW + ms)
      if (news.take(NOW + ms).includes('/api/devices/A%3A1')) {
        readings.push(ms)
      }
    }
    expect(readings).toEqual([0, 300, 600, 900, 1200])
  })

  it('lets a list be read a moment later, when its row is written, and every three seconds', () => {
    const news = newNews()
    const at = (ms: number) => news.take(NOW + ms).includes('/api/devices?')
    news.add(entry({ kind: 'device.enrolled' }), NOW)
    expect([at(0), at(1199), at(1200)]).toEqual([false, false, true])
    news.add(entry({ kind: 'device.changed' }), NOW + 1300)
    expect([at(4199), at(4200)]).toEqual([false, true])
  })

  it('lets the steps of enrolments be read at once: they wait for no row', () => {
    const news = newNews()
    news.add(entry({ kind: 'device.enrolled' }), NOW)
    expect(news.take(NOW)).toContain('/api/enrollment/steps')
  })

  it('says when the next one is due, and nothing when none is', () => {
    const news = newNews()
    expect(news.next()).toBeUndefined()
    news.add(entry(), NOW)
    news.take(NOW)
    news.add(entry(), NOW + 10)
    expect(news.next()).toBe(NOW + 300)
  })

  it('of something missed makes all old, once in five seconds', () => {
    const news = newNews()
    news.addAddress(ALL, NOW)
    news.add(entry(), NOW)
    expect(news.take(NOW)).toEqual([ALL])
    news.addAddress(ALL, NOW + 1)
    expect(news.take(NOW + 4999)).toEqual([])
    expect(news.take(NOW + 5000)).toEqual([ALL])
  })
})

it('tries to connect after a second, and less and less often, up to thirty seconds', () => {
  expect([0, 1, 2, 3, 4, 5, 99].map((tries) => backOff(tries, 1))).toEqual([
    1000, 2000, 4000, 8000, 16_000, 30_000, 30_000,
  ])
  expect(backOff(0, 0)).toBe(500)
})
