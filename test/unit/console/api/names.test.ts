import { expect, it } from 'vitest'
import { deviceName } from '../../../../src/console/api/names.ts'

const MAC = {
  id: '00008103-001A2B3C4D5E601E',
  device_name: 'Ada’s MacBook',
  model_name: 'MacBook Pro',
  product_name: 'MacBookPro18,1',
  serial_number: 'C02ABCDEFGHJ',
}

it('a device is called by its name, or else by its model and serial number, or by its id', () => {
  expect(deviceName(MAC)).toBe('Ada’s MacBook')
  const nameless = { ...MAC, device_name: null }
  expect(deviceName(nameless)).toBe('MacBook Pro FGHJ')
  expect(deviceName({ ...nameless, model_name: null })).toBe('MacBookPro18,1 FGHJ')
  expect(deviceName({ id: MAC.id, serial_number: MAC.serial_number })).toBe(MAC.serial_number)
  expect(deviceName({ ...nameless, serial_number: null })).toBe('00008103…601E')
  expect(deviceName({ id: 'short' })).toBe('short')
})

it('a name of a device cannot turn the text around it, nor fill the page', () => {
  expect(deviceName({ ...MAC, device_name: 'exe\u202Egpj\u2066\n.' })).toBe('exegpj.')
  expect(deviceName({ ...MAC, device_name: '\u200F ' })).toBe('MacBook Pro FGHJ')
  expect(deviceName({ ...MAC, device_name: 'é'.repeat(500) })).toBe(`${'é'.repeat(60)}…`)
})
