import { expect, it } from 'vitest'
import { informationDifferences } from '../../../../src/console/results/differences.ts'

it('two answers differ in the facts that both have, with their units', () => {
  const before = { DeviceName: 'Ada', OSVersion: '26.6', AvailableDeviceCapacity: 148.5, IMEI: '1' }
  const now = {
    DeviceName: 'Ada',
    OSVersion: '27.0',
    AvailableDeviceCapacity: 97,
    HasBattery: true,
  }
  const table = informationDifferences({ QueryResponses: before }, { QueryResponses: now })
  expect(table.rows.map((cells) => cells.map((cell) => 'text' in cell && cell.text))).toEqual([
    ['OS version', '26.6', '27.0'],
    ['Free', '148.5 GB', '97 GB'],
  ])
})

it('an answer of another form differs in nothing', () => {
  expect(informationDifferences({}, { QueryResponses: { A: 1 } }).rows).toEqual([])
  expect(informationDifferences({ QueryResponses: 5 }, { QueryResponses: [] }).rows).toEqual([])
})
