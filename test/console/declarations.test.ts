import { afterEach, describe, expect, inject, it } from 'vitest'
import { PATIENCE } from '../patience.ts'
import { expectAccessible, expectDone, visit, type Visit } from './console.ts'
import { callApi, joinDevice } from './device-tools.ts'
import { expectAccessibleInBothLooks } from './looks.ts'

const url = inject('consoleUrl')
const PASSCODE = 'com.apple.configuration.passcode.settings'
const pageOf = (id: string): string => `/console/declarations/${id}`

const visits: Visit[] = []
afterEach(async () => {
  await Promise.all(visits.splice(0).map((one) => one.close()))
})

async function visiting(...to: Parameters<typeof visit>): Promise<Visit> {
  const one = await visit(...to)
  visits.push(one)
  return one
}

const put = (path: string, body: object) => callApi(url, 'PUT', path, body)
const newName = (word: string): string => `${word}.${crypto.randomUUID().slice(0, 8)}`

interface OnDevice {
  readonly declarations: readonly { id: string; state: string; server_token: string }[]
}

/** A device of the test’s own in a set of its own, with declarations of these payloads. */
async function declaring(payloads: Readonly<Record<string, object>>) {
  const device = await joinDevice(url)
  const set = newName('set')
  await put(`/api/sets/${set}`, { description: 'of a test' })
  await callApi(url, 'POST', `/api/sets/${set}/members`, { ids: [device.udid] })
  for (const [id, body] of Object.entries(payloads)) {
    await put(`/api/declarations/${id}`, { ...body, sets: [set] })
  }
  const states = async () => {
    await device.poll()
    const path = `/api/devices/${device.udid}/declarations`
    const { declarations } = await callApi<OnDevice>(url, 'GET', path)
    return declarations
  }
  return { device, set, states }
}

const TEST = 'com.apple.configuration.management.test'
const failing = (id: string) => ({
  [id]: { type: TEST, payload: { Echo: 'hello', ReturnStatus: 'Failed' } },
  [`${id}.on`]: {
    type: 'com.apple.activation.simple',
    payload: { StandardConfigurations: [id] },
  },
})

/** From the page of the set and back: a device that is selected becomes a member, and Undo takes it out. */
async function addsFromTheList(ada: Visit, device: string, set: string): Promise<void> {
  const { page } = ada
  const members = () => callApi(url, 'GET', `/api/sets/${set}/members`)
  await ada.click('link', 'Devices')
  await page.getByRole('searchbox').fill(device)
  await page.getByText('1 device', { exact: true }).waitFor()
  await ada.click('checkbox', /^Select all/)
  await ada.click('button', 'Add to a set…')
  await page.getByLabel('Set', { exact: true }).selectOption(set)
  await expectAccessibleInBothLooks(ada)
  await ada.click('button', 'Add 1 device')
  await page.getByRole('dialog').waitFor({ state: 'detached' })
  expect(await members()).toMatchObject({ items: [{ id: device }] })
  const added = page.locator('.toast', { hasText: `1 member added to ${set}.` }).last()
  await added.getByRole('button', { name: 'Undo' }).click()
  await expect.poll(members, { timeout: PATIENCE }).toMatchObject({ items: [] })
  await ada.click('button', 'Add to a set…')
  await page.getByLabel('Set', { exact: true }).selectOption(set)
  await ada.click('button', 'Add 1 device')
  await page.getByRole('dialog').waitFor({ state: 'detached' })
  expect(await members()).toMatchObject({ items: [{ id: device }] })
  await page.goto(`/console/sets/${set}`)
}

describe('declarations', () => {
  it('task 9: from a red count to the reason in words, for each device, and sends it again', async () => {
    const id = newName('ex.failing')
    const { device, set, states } = await declaring(failing(id))
    const state = async () => (await states()).find((one) => one.id === id)
    await expect.poll(async () => (await state())?.state, { timeout: PATIENCE }).toBe('failed')
    const before = await state()
    const ada = await visiting('/console')
    const { page } = ada
    await ada.click('link', 'Show the failed declarations')
    await page
      .getByText(`The payload is right, and the device cannot apply it now: ${id}`)
      .waitFor()
    await expectAccessibleInBothLooks(ada)
    await ada.click('link', `1 device with ${id}`)
    const line = page.locator('.state-line')
    await line.getByText('Error.ConfigurationCannotBeApplied').waitFor()
    await line.locator('q', { hasText: 'ReturnStatus is Failed.' }).waitFor()
    await expectAccessible(ada)
    await ada.click('button', /^Re-send: /)
    await page.getByText('Sent again: the device fetches it, and reports.').waitFor()
    expectDone(ada, 3)
    await expect
      .poll(async () => (await state())?.server_token, { timeout: PATIENCE })
      .not.toBe(before?.server_token)

    await page.goto(`/console/devices/${device.udid}?tab=declarations`)
    await page.getByRole('link', { name: /^Declarations \(1 failed\)/ }).waitFor()
    await page.getByRole('row', { name: /device\.operating-system\.version/ }).waitFor()
    await page
      .getByRole('button', { name: /^Raw report/ })
      .last()
      .click()
    await page
      .getByLabel(/^Report \d+$/)
      .getByText('StatusItems')
      .waitFor()
    await expectAccessibleInBothLooks(ada)
    await ada.click('button', `Take out of ${set}`)
    await page.getByText(`1 member taken out of ${set}.`).waitFor()
    await page.getByText('You put it into no set.').waitFor()
    await ada.click('button', 'Undo')
    await page.getByRole('button', { name: `Take out of ${set}` }).waitFor()
    await callApi(url, 'PUT', `/api/sets/${set}`, { declarations: [] })
  })

  it('one is made, changed beside another person, restored and deleted, and nothing is lost', async () => {
    const { device, set } = await declaring({})
    const id = newName('ex.passcode')
    const ada = await visiting(`/console/declarations?new=${PASSCODE}`)
    const { page } = ada
    const payload = page.getByLabel('Payload (JSON)')
    await page.getByLabel('Identifier').fill(id)
    await payload.fill('{"MinimumLength":"six"}')
    await page.getByRole('checkbox', { name: set }).check()
    await ada.click('link', 'Devices')
    await page.getByRole('heading', { name: 'Devices' }).waitFor()
    await page.goBack()
    await page.getByRole('heading', { name: 'New declaration' }).waitFor()
    expect(await payload.inputValue()).toBe('{"MinimumLength":"six"}')
    expect(await page.getByRole('checkbox', { name: set }).isChecked()).toBe(true)
    await ada.click('button', 'Who gets it?')
    await page.locator('.payload-faults', { hasText: 'MinimumLength' }).waitFor()
    await payload.fill('{"MinimumLength":6}')
    await ada.click('button', 'Who gets it?')
    await page.getByText('It would get it.').waitFor()
    await expectAccessibleInBothLooks(ada)
    await ada.click('button', 'Store declaration')
    await page.getByRole('heading', { name: id }).waitFor()

    await ada.click('button', 'Edit…')
    await payload.fill('{"MinimumLength":7}')
    const path = `/api/declarations/${id}`
    await put(path, { type: PASSCODE, payload: { MinimumLength: 8 } })
    await ada.click('button', 'Who gets it?')
    await ada.click('button', 'Store the change')
    await page.getByText('It was changed meanwhile, and has version 2 now.').waitFor()
    await page.getByLabel('Present payload').getByText('"MinimumLength": 8').waitFor()
    expect(await payload.inputValue()).toBe('{"MinimumLength":7}')
    expect(await callApi(url, 'GET', path)).toMatchObject({ payload: { MinimumLength: 8 } })
    await ada.click('button', /^I have read it/)
    await ada.click('button', 'Store the change')
    await page.getByText(`${id} is stored as version 3.`).waitFor()

    await ada.click('link', /^Versions/)
    await page.getByText('Differs from now in MinimumLength.').first().waitFor()
    await expectAccessible(ada)
    await ada.click('button', 'Restore version 1')
    await page.getByText('The content of version 1 is stored as version 4.').waitFor()
    await ada.click('button', 'Undo')
    await page.getByText('The content of version 3 is stored as version 5.').waitFor()
    const reported = async () => {
      await device.poll()
      return callApi(url, 'GET', path)
    }
    await expect
      .poll(reported, { timeout: PATIENCE })
      .toMatchObject({ version: 5, states: { inactive: 1 } })
    await page.reload()
    await ada.click('button', 'Edit…')
    await payload.fill('{"MinimumLength":5}')
    await page.goBack()
    await ada.click('button', 'Delete…')
    await page.getByText(`It is in use: in 1 set (${set})`).waitFor()
    const remove = page.getByRole('dialog').getByRole('button', { name: 'Delete declaration' })
    await remove.click()
    await page.getByText('Type 1', { exact: true }).waitFor()
    await page.getByLabel('Type 1 to confirm').fill('1')
    await remove.click()
    await page.getByText(`${id} deleted: devices remove it.`).waitFor()
    await expect(callApi(url, 'GET', path)).rejects.toThrow('404')
    await page.route(`**${path}?*`, (route) =>
      route.fulfill({ status: 503, json: { detail: 'Too much to do' } }),
    )
    await ada.click('button', 'Undo')
    await page.getByText('Too much to do').waitFor()
    await page.unroute(`**${path}?*`)
    await ada.click('button', 'Try again')
    await page.getByText(`${id} is there again: devices fetch it.`).waitFor()
    const again = { type: PASSCODE, payload: { MinimumLength: 7 }, sets: [set] }
    expect(await callApi(url, 'GET', path)).toMatchObject(again)
    await ada.click('link', id)
    await ada.click('button', 'Edit…')
    expect(JSON.parse(await payload.inputValue())).toEqual({ MinimumLength: 7 })
  })

  it('a set is made by a rule, gets a declaration and members, and loses them again', async () => {
    const device = await joinDevice(url)
    const [id, set] = [newName('ex.of-set'), newName('ruled')]
    await put(`/api/declarations/${id}`, { type: PASSCODE, payload: {} })
    const ada = await visiting('/console/sets?new=set')
    const { page } = ada
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('Name').fill(set)
    await dialog.getByRole('checkbox', { name: /by a rule/ }).check()
    await dialog.getByRole('checkbox', { name: 'visionOS' }).check()
    await dialog.getByLabel('OS from').fill('a lot')
    await ada.click('button', 'Make the set')
    await dialog.getByText(/has to be a version/).waitFor()
    await expectAccessible(ada)
    await dialog.getByLabel('OS from').fill('26')
    const taken = newName('taken')
    await put(`/api/sets/${taken}`, { rule: { platform: ['macOS'] } })
    await dialog.getByLabel('Name').fill(taken)
    await ada.click('button', 'Make the set')
    await dialog.getByText('A set has this name already.').waitFor()
    expect(await callApi(url, 'GET', `/api/sets/${taken}`)).toMatchObject({
      rule: { platform: ['macOS'] },
    })
    await dialog.getByLabel('Name').fill(set)
    await ada.click('button', 'Make the set')
    await page
      .getByText('By its rule it takes all visionOS devices, with OS 26 or later.')
      .waitFor()
    await ada.click('button', 'Change rule…')
    await dialog.getByLabel('OS from').fill('27')
    await put(`/api/sets/${set}`, { rule: { platform: ['tvOS'] } })
    await page.keyboard.press('Escape')
    await dialog.waitFor({ state: 'detached' })
    await ada.click('button', 'Change rule…')
    expect(await dialog.getByLabel('OS from').inputValue()).toBe('27')
    await ada.click('button', 'Store the change')
    await dialog.getByText('By its rule it takes all tvOS devices.').waitFor()
    await ada.click('button', /^I have read it/)
    await ada.click('button', 'Store the change')
    await page
      .getByText('By its rule it takes all visionOS devices, with OS 27 or later.')
      .waitFor()
    await page.getByLabel('Another declaration').selectOption(id)
    await ada.click('button', 'Put into the set')
    await page.getByRole('button', { name: `Take out ${id}` }).waitFor()
    await page.getByLabel('Add devices').fill(device.udid)
    await ada.click('button', /^Add MacBook/)
    await page.getByRole('heading', { name: 'Members (1)' }).waitFor()
    await expectAccessible(ada)
    await ada.click('button', /^Take out MacBook/)
    await addsFromTheList(ada, device.udid, set)
    await ada.click('button', `Take out ${id}`)
    await page.getByText(`${id} is out of ${set}.`).waitFor()
    await ada.click('button', 'Delete…')
    await ada.click('button', 'Delete set')
    await page.getByText(`${set} deleted.`).waitFor()
    await page.getByRole('heading', { name: 'Sets' }).waitFor()
    await expectAccessible(ada)
  })

  it('an empty server, a fault, a long list and a key of a reader each have their words', async () => {
    const id = newName('ex.read')
    await put(`/api/declarations/${id}`, { type: PASSCODE, payload: {} })
    const { key } = await callApi<{ key: string }>(url, 'POST', '/api/keys', {
      name: 'reader of declarations',
      scopes: ['read'],
    })
    const cleo = await visiting('/console/declarations', { key })
    const { page } = cleo
    const make = page.getByRole('button', { name: 'New declaration…' })
    await make.waitFor()
    expect(await make.getAttribute('title')).toBe('Your key lacks the scope config')
    const { items } = await callApi<{ items: object[] }>(url, 'GET', `/api/declarations?q=${id}`)
    const many = Array.from({ length: 100 }, (_, n) => ({ ...items[0], id: `ex.${n}` }))
    const answers = [
      { json: { items: [], next: null, total: null } },
      { status: 503, json: { code: 'unavailable', detail: 'The directory does not answer.' } },
      { json: { items: many, next: 'more', total: null } },
    ]
    await page.route('**/api/declarations?*', (route) => route.fulfill(answers[0] ?? {}))
    await page.reload()
    await page.getByText('No declaration yet').waitFor()
    await expectAccessible(cleo)
    answers.shift()
    await page.reload()
    await page.getByText('The directory does not answer.').waitFor()
    answers.shift()
    await cleo.click('button', 'Try again')
    await page.getByRole('row', { name: /^ex\.0 / }).waitFor()
    await page.getByRole('link', { name: 'Next page' }).waitFor()
    await page.goto(pageOf(newName('ex.gone')))
    await page.getByText('No such declaration').waitFor()
  })
})
