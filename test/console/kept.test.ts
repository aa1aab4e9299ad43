import type { Page } from 'playwright-core'
import { expect, inject, it } from 'vitest'
import { endSessionAt, visit } from './console.ts'
import { callApi, joinDevice } from './device-tools.ts'
import { CONSOLE_KEY } from './setup.ts'

const url = inject('consoleUrl')

interface Form {
  readonly at: string
  /** Opens it there. */
  readonly by?: string
  /** Unfolds it there. What was typed into it stands open. */
  readonly in?: string
  readonly field: string
  readonly text: string
}

/** Goes to a screen as a link does: the page is not loaded again. */
async function follow(page: Page, to: string): Promise<void> {
  await page.evaluate((address) => {
    const link = document.body.appendChild(document.createElement('a'))
    link.href = address
    link.click()
    link.remove()
  }, to)
}

async function open(page: Page, { at, by, field }: Form) {
  await follow(page, at)
  if (by !== undefined) {
    await page.getByText(by, { exact: true }).first().click()
  }
  return page.locator('main').getByLabel(field, { exact: true }).last()
}

it('every form keeps what was typed through Esc, links and Back, and a reload and the way out ask first', async () => {
  const { udid } = await joinDevice(url)
  await callApi(url, 'POST', `/api/devices/${udid}/commands`, {
    request_type: 'DeviceLock',
    pin: '482913',
  })
  const word = crypto.randomUUID().slice(0, 8)
  const set = `set.${word}`
  await callApi(url, 'PUT', `/api/sets/${set}`, { description: 'of a test' })
  await callApi(url, 'PUT', `/api/software-updates/up-${word}`, {
    target: { version: '26.1' },
    platforms: ['visionOS'],
    deadline: { local: '2099-12-01T19:00:00' },
  })
  const members = `/console/sets/${set}`
  const many = `/console/commands/new?ids=${udid}&type=DeviceInformation`
  const FORMS: readonly Form[] = [
    { at: '/console/settings?tab=keys', by: 'New key', field: 'Name *', text: word },
    { at: '/console/webhooks', by: 'Add webhook…', field: 'Address of the receiver *', text: word },
    { at: '/console/enrolment?tab=invitations', by: 'New invitation', field: 'For', text: word },
    { at: '/console/enrolment?tab=serials', field: 'Serial numbers', text: word },
    { at: '/console/blueprints?tab=users', by: 'New setup user', field: 'Full name', text: word },
    { at: '/console/blueprints?tab=preview', field: 'OS version', text: '26' },
    { at: `/console/blueprints/${word}?new`, in: 'As JSON', field: 'JSON', text: '{ "name"' },
    { at: '/console/sets', by: 'New set…', field: 'Description', text: word },
    { at: members, by: 'Change rule…', field: 'Description', text: `${word} too` },
    { at: members, in: 'Add by ids', field: 'Ids', text: word },
    { at: '/console/declarations?new=declaration', field: 'Identifier *', text: `ex.${word}` },
    { at: '/console/updates', by: 'New update…', field: 'Name', text: word },
    {
      at: '/console/updates',
      by: 'Change the list…',
      field: 'Or an address that the server reads each day *',
      text: `https://example.com/${word}`,
    },
    {
      at: `/console/updates/up-${word}`,
      by: 'Change deadline…',
      field: 'Deadline *',
      text: '2098-11-01T08:00',
    },
    { at: `/console/devices/${udid}?tab=secrets&reveal=any`, field: 'Reason *', text: word },
    { at: many, field: 'Devices a minute', text: '60' },
    { at: '/console/audit', field: 'Action or first word', text: 'device' },
  ]
  const ada = await visit('/console')
  const { page } = ada
  await page.getByRole('heading', { name: 'Overview', level: 1 }).waitFor()
  for (const form of FORMS) {
    const field = await open(page, form)
    if (form.in !== undefined) {
      await page.getByText(form.in, { exact: true }).click()
    }
    await field.fill(form.text)
    if ((await page.getByRole('dialog').count()) > 0) {
      await page.keyboard.press('Escape')
      await page.getByRole('dialog').waitFor({ state: 'detached' })
    }
  }
  for (const form of FORMS) {
    const field = await open(page, form)
    await field.waitFor()
    expect([form.at, await field.inputValue()]).toEqual([form.at, form.text])
  }
  const asked: string[] = []
  page.on('dialog', (dialog) => {
    asked.push(dialog.type())
    void dialog.dismiss()
  })
  await page.getByRole('button', { name: /^Ada/ }).click()
  await page.getByRole('button', { name: 'Sign out', exact: true }).click()
  await expect.poll(() => asked).toEqual(['confirm'])
  await page.evaluate(() => {
    location.reload()
  })
  await expect.poll(() => asked).toEqual(['confirm', 'beforeunload'])
  expect(await page.getByLabel('Action or first word').inputValue()).toBe('device')
  expect(ada.faults).toEqual([])
  await ada.close()
})

it('another person finds nothing of what was typed, and a change that was begun is not done for them', async () => {
  const ada = await visit('/console/settings?tab=keys')
  const { page } = ada
  const name = `kept-${crypto.randomUUID()}`
  await page.getByText('New key', { exact: true }).first().click()
  await page.getByLabel('Name *').fill(name)
  await endSessionAt(ada, 'POST', '**/api/keys')
  await ada.click('button', 'Make the key')
  await page.getByText('Your session has ended').waitFor()
  await page.getByLabel('Your name').fill('Ben')
  await page.getByLabel('API key').fill(CONSOLE_KEY)
  await ada.click('button', 'Sign in')
  await ada.click('button', 'New key')
  expect(await page.getByLabel('Name *').inputValue()).toBe('')
  const { items } = await callApi<{ items: { name: string }[] }>(url, 'GET', '/api/keys')
  expect(items.map((key) => key.name)).not.toContain(name)
  await page.getByLabel('Name *').fill(name)
  const other = await page.context().newPage()
  await other.goto('/console/no-page')
  await other.getByRole('button', { name: /^Ben/ }).click()
  await other.getByRole('button', { name: 'Sign out', exact: true }).click()
  await page.getByText('Your session has ended').waitFor()
  await other.getByLabel('Your name').fill('Cleo')
  await other.getByLabel('API key').fill(CONSOLE_KEY)
  await other.getByRole('button', { name: 'Sign in' }).click()
  await page.getByRole('button', { name: /^Cleo/ }).waitFor()
  await ada.click('button', 'New key')
  expect(await page.getByLabel('Name *').inputValue()).toBe('')
  expect(ada.faults).toEqual([])
  await ada.close()
})

it('Esc before the server has answered asks first: a key that is made is shown only then', async () => {
  const ada = await visit('/console/settings?tab=keys')
  const { page } = ada
  const name = `late-${crypto.randomUUID()}`
  const begun = Promise.withResolvers<void>()
  const asked = Promise.withResolvers<string>()
  page.on('dialog', (dialog) => {
    asked.resolve(dialog.message())
    void dialog.dismiss()
  })
  await page.route('**/api/keys', async (route) => {
    if (route.request().method() === 'POST') {
      begun.resolve()
      await asked.promise
    }
    await route.continue()
  })
  await ada.click('button', 'New key')
  await page.getByLabel('Name *').fill(name)
  await ada.click('button', 'Make the key')
  await begun.promise
  await page.keyboard.press('Escape')
  expect(await asked.promise).toContain('has not answered yet')
  await page.getByRole('heading', { name: `The key ${name}` }).waitFor()
  await ada.click('button', 'Done')
  expect(ada.faults).toEqual([])
  await ada.close()
})
