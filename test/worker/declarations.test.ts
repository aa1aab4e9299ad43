import { expect, it } from 'vitest'
import { asked, join, listed, newSet, put, tell, TEST, view } from './declaration-tools.ts'
import { enrolled } from './server.ts'

it('a device applies the declarations of its set, and the fleet shows it', async () => {
  const device = await enrolled()
  const { set, config, activation } = await newSet()
  await join(device, set)
  await tell()
  expect(await listed(device)).toEqual({ [config]: 'pending', [activation]: 'pending' })
  await device.poll()
  expect(asked(device)).toBe(1)
  expect(await listed(device)).toEqual({ [config]: 'applied', [activation]: 'applied' })
  expect(await view(device)).toMatchObject({
    on: true,
    synced: true,
    token: device.declarative.token,
  })
  await tell()
  await device.poll()
  expect(asked(device)).toBe(1)
})

it('a change of a declaration is one command, and the device has the new content', async () => {
  const device = await enrolled()
  const { set, config } = await newSet()
  await join(device, set)
  await tell()
  await device.poll()
  for (const Echo of ['two', 'three', 'four']) {
    await put(config, TEST, { Echo })
    await tell()
  }
  await device.poll()
  expect(asked(device)).toBe(2)
  expect((await view(device)).token).toBe(device.declarative.token)
})
