import { describe, expect, it } from 'vitest'
import { api, newDevice, until } from './server.ts'

describe('a command that loses data', () => {
  it('goes to all neither when nobody nor when one device is enrolled', async () => {
    const order = { all: true, command: { request_type: 'EraseDevice' } }
    const refused = {
      status: 409,
      body: { detail: 'EraseDevice cannot go to all: name the devices by ids or filter' },
    }
    expect(await api('POST', '/api/commands', order)).toMatchObject(refused)
    const device = newDevice()
    await device.enroll()
    await until(
      () => api<{ devices: object[] }>('GET', '/api/devices?state=enrolled'),
      ({ body }) => body.devices.length === 1,
    )
    const confirm = { request_type: 'EraseDevice', count: 1 }
    expect(await api('POST', '/api/commands', { ...order, confirm })).toMatchObject(refused)
    await device.poll()
    expect(device.received).toEqual([])
  })
})

describe('a job', () => {
  it('that does not exist is 404, and a cursor of another list 400', async () => {
    for (const [method, path] of [
      ['GET', '/api/jobs/none'],
      ['GET', '/api/jobs/none/outcomes'],
      ['POST', '/api/jobs/none/cancel'],
    ] as const) {
      expect((await api(method, path)).status).toBe(404)
    }
    expect((await api('GET', '/api/jobs?cursor=WzFd')).status).toBe(400)
  })
})
