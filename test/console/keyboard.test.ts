import type { Locator } from 'playwright-core'
import { expect, inject, it } from 'vitest'
import { visit, type Visit } from './console.ts'
import { callApi, joinDevice } from './device-tools.ts'

const url = inject('consoleUrl')
/** More stops than any screen here has before what is looked for. */
const MOST_STOPS = 60

/** Moves the focus with Tab until it is there. */
async function tabTo({ page }: Visit, wanted: Locator): Promise<void> {
  await wanted.waitFor()
  for (let n = 0; n < MOST_STOPS; n++) {
    if (await wanted.evaluate((element) => element === document.activeElement)) {
      return
    }
    await page.keyboard.press('Tab')
  }
  throw new Error(`Tab does not lead to ${wanted.toString()}`)
}

it('tasks 1 to 7 without a pointer: find, look, command, push, lock, reveal, cancel', async () => {
  const device = await joinDevice(url)
  const { serial, udid } = device
  const ada = await visit('/console')
  const { page } = ada
  const find = async (): Promise<void> => {
    await page.keyboard.press('Control+k')
    await page.getByRole('combobox').waitFor()
    await page.keyboard.type(serial.slice(-8))
    await page.getByRole('option', { name: new RegExp(serial.slice(-8)) }).waitFor()
    await page.keyboard.press('Enter')
    await page.locator('.verdict', { hasText: 'Alive' }).waitFor()
  }
  const card = page.locator('.command-card .state')
  await page.getByRole('heading', { name: 'Overview', level: 1 }).waitFor()
  await find()
  await page.keyboard.press('p')
  await page.getByText(/^Pushed: APNs has taken it/).waitFor()
  await page.keyboard.press('c')
  await page.locator('#find-command:focus').waitFor()
  await page.keyboard.type('devinf')
  await page.getByRole('link', { name: /^DeviceInformation/ }).waitFor()
  await page.keyboard.press('Enter')
  await page.getByRole('button', { name: /^Send/ }).waitFor()
  await page.keyboard.press('Control+Enter')
  await card.getByText('Waiting').waitFor()
  await device.poll()
  await page.locator('dl.facts', { hasText: serial }).waitFor()
  await find()
  await page.keyboard.press('l')
  await page.getByLabel('Message').and(page.locator(':focus')).waitFor()
  await page.keyboard.type('Call 555')
  const pin = await page.getByLabel('PIN').inputValue()
  await page.keyboard.press('Control+Enter')
  await page.getByLabel(/to confirm/).waitFor()
  await page.keyboard.type(serial.slice(-4))
  await page.keyboard.press('Enter')
  await page.getByText('DeviceLock queued.').waitFor()
  await device.poll()
  await card.getByText('Done').waitFor()
  await find()
  await tabTo(ada, page.getByRole('link', { name: 'Reveal…' }))
  await page.keyboard.press('Enter')
  await tabTo(ada, page.getByRole('textbox', { name: 'Reason' }))
  await page.keyboard.type('the owner called')
  await tabTo(ada, page.getByRole('button', { name: 'Reveal', exact: true }))
  await page.keyboard.press('Enter')
  await page.getByText(pin).waitFor()
  await callApi(url, 'POST', `/api/devices/${udid}/commands`, { request_type: 'ProfileList' })
  for (const key of ['Escape', 'g', 'o']) {
    await page.keyboard.press(key)
  }
  await page.getByRole('heading', { name: 'Overview', level: 1 }).waitFor()
  await find()
  await tabTo(ada, page.getByRole('link', { name: /^Queue/ }))
  await page.keyboard.press('Enter')
  await tabTo(ada, page.getByRole('button', { name: 'Cancel ProfileList' }))
  await page.keyboard.press('Enter')
  await page.getByText(/^ProfileList cancelled/).waitFor()
  expect(ada.faults).toEqual([])
  await ada.close()
})
