import { expect, it } from 'vitest'
import {
  appDifferences,
  informationDifferences,
} from '../../../../src/console/results/differences.ts'

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

it('two lists of apps differ in those that came, went, or have another version', () => {
  const app = (id: string, version: string) => ({
    Identifier: `com.example.${id}`,
    Name: id,
    ShortVersion: version,
  })
  const before = [app('Kept', '1'), app('Gone', '2'), app('Newer', '3.9'), { Name: 'Bare' }, 'odd']
  const now = [app('Newer', '3.10'), { Name: 'Bare' }, app('Kept', '1'), app('\u202eAdded', '1')]
  const table = appDifferences(
    { InstalledApplicationList: before },
    { InstalledApplicationList: now },
  )
  expect(table.rows.map((cells) => cells.map((cell) => 'text' in cell && cell.text))).toEqual([
    ['\u202eAdded', '—', '1'],
    ['Gone', '2', '—'],
    ['Newer', '3.9', '3.10'],
  ])
  expect(appDifferences({}, { InstalledApplicationList: {} }).rows).toEqual([])
})
