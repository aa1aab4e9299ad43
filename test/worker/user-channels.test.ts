import { describe, expect, it, vi } from 'vitest'
import { claimsOf } from '../../src/directory/devices/users.ts'
import { api, decide, enrolled, env, newDevice, newIdentity, until } from './server.ts'
import { newUserId, queue, received, withUser } from './user-tools.ts'

describe('a user channel', () => {
  it('is found by its bare UserID: commands, queue, push, and the webhook’s fields', async () => {
    const { device, user, userId, id } = await withUser()
    await queue(userId, 'bare')
    await queue(id, 'full')
    for (const name of [userId, id]) {
      const { body } = await api<{ commands: object[] }>('GET', `/v1/commands/${name}`)
      expect(body.commands).toHaveLength(2)
      expect((await api('GET', `/push/${name}`)).status).toBe(200)
    }
    expect(await received(device)).toEqual([])
    expect(await received(user)).toEqual(['bare', 'full'])
    await queue(userId, 'cleared')
    await api('DELETE', `/v1/commands/${userId}`)
    expect(await received(user)).toEqual(['bare', 'full'])
  })

  it('is found when it only polls, as users of a fleet that moved here do', async () => {
    const device = newDevice()
    await device.tokenUpdate()
    const userId = newUserId()
    const user = device.userChannel({ userId, shortName: 'ada' })
    await user.connect({ Status: 'Idle' })
    await queue(userId, 'bare')
    expect(await received(user)).toEqual(['bare'])
  })

  it('does not get commands that waited under its bare UserID before, until an admin names it in one call', async () => {
    const userId = newUserId()
    const early = await api<{ id: string }>('POST', `/api/devices/${userId}/commands`, {
      request_type: 'ProfileList',
      command_uuid: 'early',
    })
    const { device, user, id } = await withUser(userId)
    const refused = await queue(userId, 'late')
    expect(refused.status).toBe(500)
    expect(refused.body['error']).toContain(`commands wait under ${userId}`)
    expect(refused.body['error']).toContain(id)
    await queue(id, 'late')
    expect(await received(user)).toEqual(['late'])
    const waiting = `/api/devices/${userId}/commands/waiting`
    expect((await api('GET', waiting)).body).toMatchObject({
      items: [{ id: `${userId}.1`, command_uuid: 'early', state: 'queued' }],
    })
    expect((await api('GET', `/api/users/${userId}/channels`)).body).toMatchObject({
      items: [{ id, device_id: device.udid }],
    })
    expect((await api('GET', `/api/devices/${device.udid}`)).body).toMatchObject({
      channels: [{ waiting_under_user_id: false }, { id, waiting_under_user_id: true }],
    })
    expect((await api('GET', `/api/commands/${early.body.id}`)).body).toMatchObject({
      id: early.body.id,
      state: 'queued',
    })
    const move = (to: string) => api('POST', `/api/devices/${userId}/commands/move`, { to })
    expect(await move(`${newUserId()}:${userId}`)).toMatchObject({ status: 404 })
    expect(await move(`${device.udid}:${newUserId()}`)).toMatchObject({ status: 400 })
    expect((await move(id)).body).toEqual({ moved: 1, left: 0 })
    expect((await move(id)).body).toEqual({ moved: 0, left: 0 })
    expect(await received(user)).toEqual(['late', 'early'])
    expect((await api('GET', `/api/commands/${early.body.id}`)).body).toMatchObject({
      id: `${id}.2`,
      state: 'acknowledged',
    })
    await queue(userId, 'bare')
    expect(await received(user)).toEqual(['late', 'early', 'bare'])
    expect((await api('GET', waiting)).body).toMatchObject({ items: [] })
    expect((await api('GET', `/api/devices/${device.udid}`)).body).toMatchObject({
      channels: [{}, { waiting_under_user_id: false }],
    })
  })

  it('does not get device-only commands when waiting commands are moved to it', async () => {
    const userId = newUserId()
    await queue(userId, 'lock', 'DeviceLock')
    await queue(userId, 'list')
    const { user, id } = await withUser(userId)
    const path = `/api/devices/${userId}/commands`
    expect((await api('POST', `${path}/move`, { to: id })).body).toEqual({ moved: 1, left: 1 })
    expect(await received(user)).toEqual(['list'])
    expect((await api('GET', `${path}/waiting`)).body).toMatchObject({
      items: [{ command_uuid: 'lock', state: 'held' }],
    })
  })

  it.each([
    ['an iPhone or iPad', () => `00008103-${newUserId().replaceAll('-', '').slice(0, 16)}`],
    ['an older iPhone', () => newUserId().replaceAll('-', '').toLowerCase() + '0a1b2c3d'],
  ])('is not found by an id that only %s can have', async (_, udidOf) => {
    const udid = udidOf()
    const { user } = await withUser(udid)
    await queue(udid, 'bare')
    expect(await received(user)).toEqual([])
    expect(await received(await enrolled({ udid }))).toEqual(['bare'])
  })

  it('commands that wait under its bare UserID can be cancelled, all or one', async () => {
    const userId = newUserId()
    await queue(userId, 'one')
    await queue(userId, 'two')
    const { user } = await withUser(userId)
    expect((await api('DELETE', `/api/commands/${userId}.1`)).status).toBe(200)
    const waiting = `/api/devices/${userId}/commands/waiting`
    expect((await api('DELETE', waiting)).body).toEqual({ cancelled: 1 })
    expect((await api('GET', waiting)).body).toMatchObject({ items: [] })
    await queue(userId, 'bare')
    expect(await received(user)).toEqual(['bare'])
  })

  it('is found by its bare UserID again when each command that waited under it was cancelled', async () => {
    const userId = newUserId()
    await queue(userId, 'early')
    const { user } = await withUser(userId)
    expect((await queue(userId, 'refused')).status).toBe(500)
    expect((await api('DELETE', `/api/commands/${userId}.1`)).status).toBe(200)
    await queue(userId, 'bare')
    expect(await received(user)).toEqual(['bare'])
  })

  it('is not found by its id in other letters, nor where another device’s id differs in letters alone', async () => {
    const { user, userId } = await withUser()
    const small = userId.toLowerCase()
    await queue(small, 'small')
    expect(await received(user)).toEqual([])
    const one = await withUser()
    const two = await withUser(one.userId.toLowerCase())
    expect((await queue(one.userId, 'bare')).body['error']).toContain(two.id)
    const victim = await enrolled({ udid: newUserId() })
    const hostile = await withUser(victim.udid.toLowerCase())
    await queue(victim.udid.toLowerCase(), 'typed')
    expect(await received(hostile.user)).toEqual([])
  })

  it('of a device that an admin has blocked claims nothing', async () => {
    const one = await withUser()
    const two = await withUser(one.userId)
    await api('POST', `/v1/devices/${two.device.udid}/block`)
    await two.user.tokenUpdate()
    await queue(one.userId, 'bare')
    expect(await received(one.user)).toEqual(['bare'])
    await api('POST', `/v1/devices/${two.device.udid}/unblock`)
    expect((await queue(one.userId, 'refused')).body['error']).toContain(two.id)
  })

  it('is not acted on as its whole device', async () => {
    const { device, userId, id } = await withUser()
    for (const name of [id, userId]) {
      for (const [act, body] of [
        ['retire', undefined],
        ['renew', undefined],
        ['identities/00/revoke', undefined],
        ['identities/00/reinstate', undefined],
        ['escrow/bootstrap_token', { reason: 'lost' }],
      ] as const) {
        expect(await api('POST', `/api/devices/${name}/${act}`, body)).toMatchObject({
          status: 400,
          body: { detail: expect.stringContaining(`name the device`) },
        })
      }
    }
    expect((await api('GET', `/push/${device.udid}`)).status).toBe(200)
  })

  it('on two devices is refused by its bare UserID, with both full ids, until one of them leaves', async () => {
    const one = await withUser()
    const two = await withUser(one.userId)
    const refused = async () => {
      const { status, body } = await queue(one.userId, 'bare')
      expect(status).toBe(500)
      expect(body['error']).toContain(one.id)
      expect(body['error']).toContain(two.id)
      expect(await api('GET', `/api/devices/${one.userId}`)).toMatchObject({ status: 409 })
    }
    await refused()
    await queue(one.id, 'one')
    await queue(two.id, 'two')
    expect(await received(one.user)).toEqual(['one'])
    await one.user.checkOut()
    await queue(one.userId, 'left')
    expect(await received(two.user)).toEqual(['two', 'left'])
    await one.user.tokenUpdate()
    await refused()
    one.device.useIdentity(newIdentity())
    await one.device.enroll()
    await refused()
    await decide('new', one.device)
    await queue(one.userId, 'enrolled anew')
    expect(await received(two.user)).toEqual(['two', 'left', 'enrolled anew'])
    await one.user.tokenUpdate()
    await refused()
    expect((await api('POST', `/api/devices/${two.device.udid}/retire`)).status).toBe(200)
    await queue(one.userId, 'retired')
    expect(await received(one.user)).toEqual(['one', 'retired'])
  })

  it('ends its claim in the directory too', async () => {
    const { device, userId } = await withUser()
    const owners = async () => (await claimsOf(env.DB, userId)).claims.map((claim) => claim.device)
    expect(await owners()).toEqual([device.udid])
    await device.checkOut()
    await until(owners, (left) => left.length === 0)
  })

  it('never takes an id that is or was a device’s, under any name', async () => {
    const victim = await enrolled()
    const { user } = await withUser(victim.udid)
    await queue(victim.udid, 'a')
    expect(await received(user)).toEqual([])
    expect(await received(victim)).toEqual(['a'])
    await victim.checkOut()
    await queue(victim.udid, 'b')
    expect(await received(user)).toEqual([])
    const { body } = await api<{ commands: object[] }>('GET', `/v1/commands/${victim.udid}`)
    expect(body.commands).toHaveLength(1)
  })

  it('never gets commands that wait for a device that is yet to enrol, nor device-only ones', async () => {
    const udid = newUserId()
    await queue(udid, 'early')
    const { device, user } = await withUser(udid)
    await device.connect({ Status: 'Idle', UserID: udid })
    expect((await queue(udid, 'refused', 'InstallProfile')).status).toBe(500)
    await queue(udid, 'firmware', 'SetFirmwarePassword')
    expect(await received(user)).toEqual([])
    expect(await received(device)).toEqual([])
    const victim = await enrolled({ udid })
    expect(await received(victim)).toEqual(['early'])
    expect((await api('POST', `/api/devices/${udid}/commands/release`)).body).toEqual({
      released: 1,
      held: 0,
    })
    expect(await received(victim)).toEqual(['early', 'firmware'])
  })

  describe('whose UserID another device enrols with later,', () => {
    const secret = (id: string) =>
      api('POST', `/api/devices/${id}/commands`, {
        request_type: 'InstallProfile',
        payload: btoa('<plist/>'),
      })

    it('is not found by it any more where admins used it, until one chooses between the two', async () => {
      const { user, userId, id } = await withUser()
      await queue(userId, 'before')
      const warned = vi.spyOn(console, 'warn').mockImplementation(() => undefined)
      const hostile = await enrolled({ udid: userId })
      expect(warned.mock.calls.flat().join('\n')).toContain('"mdm:id-is-a-users"')
      warned.mockRestore()
      for (const refused of [
        await secret(userId),
        await api('POST', `/api/devices/${userId}/commands`, { request_type: 'DeviceLock' }),
        await api('GET', `/api/devices/${userId}`),
        await api('DELETE', `/api/devices/${userId}/commands`),
      ]) {
        expect(refused).toMatchObject({
          status: 409,
          body: { detail: expect.stringContaining(id) },
        })
      }
      const ask = { Endpoint: 'tokens' }
      expect((await hostile.checkIn('DeclarativeManagement', ask)).status).toBe(503)
      await queue(id, 'full')
      expect(await received(hostile)).toEqual([])
      await api('POST', `/v1/devices/${userId}/block`)
      await queue(userId, 'bare')
      expect(await received(user)).toEqual(['before', 'full', 'bare'])
      await api('POST', `/v1/devices/${userId}/unblock`)
      expect((await api('POST', `/api/devices/${userId}/commands/release`)).status).toBe(200)
      expect((await secret(userId)).body).toMatchObject({ id: `${userId}.1`, state: 'queued' })
      expect((await hostile.checkIn('DeclarativeManagement', ask)).status).toBe(200)
    })

    it('loses it to the device where admins only looked, and secret commands are held until they are released', async () => {
      const { user, userId } = await withUser()
      expect((await api('GET', `/v1/commands/${userId}`)).status).toBe(200)
      const device = await enrolled({ udid: userId })
      const held = await secret(userId)
      expect(held.body['state']).toBe('held')
      await queue(userId, 'plain')
      expect(await received(device)).toEqual(['plain'])
      await api('POST', `/api/commands/${String(held.body['id'])}/release`)
      expect(await received(device)).toHaveLength(2)
      expect((await secret(userId)).body['state']).toBe('held')
      expect((await api('POST', `/api/devices/${userId}/commands/release`)).body).toEqual({
        released: 1,
        held: 0,
      })
      expect((await secret(userId)).body['state']).toBe('queued')
      expect(await received(user)).toEqual([])
    })
  })

  it('of a User Enrollment is found by its EnrollmentUserID', async () => {
    const device = newDevice({ userEnrollment: { enrollmentId: newUserId() } })
    await device.enroll()
    const userId = newUserId()
    const user = device.userChannel({ userId, shortName: 'ada' })
    await user.tokenUpdate()
    await queue(userId, 'bare')
    expect(await received(user)).toEqual(['bare'])
  })

  it('on a Shared iPad is named by UserShortName alone, and its constant UserID is an error', async () => {
    const device = await enrolled({ platform: 'iPadOS', sharedIPad: true })
    const name = `ada${newUserId()}@example.com`
    const user = device.userChannel({ userId: '', shortName: name })
    await user.tokenUpdate()
    const refused = await queue('FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF', 'constant')
    expect(refused.status).toBe(500)
    await queue(name, 'bare')
    await queue(`${device.udid}:${name}`, 'full')
    expect(await received(user)).toEqual(['full'])
  })

  it('leaves alone: its CheckOut ends neither the device nor the other users', async () => {
    const { device, user } = await withUser()
    await user.checkOut()
    expect((await api('GET', `/push/${device.udid}`)).status).toBe(200)
    expect(
      (await api('POST', '/v1/devices', { filter_udid: [device.udid] })).body['devices'],
    ).toMatchObject([{ udid: device.udid }])
  })
})
