import { afterEach, expect, inject, it } from 'vitest'
import { readFile } from 'node:fs/promises'
import { fetchAlone } from '../e2e/server.ts'
import { expectAccessible, visit, type Visit } from './console.ts'
import { callApi } from './device-tools.ts'
import { expectAccessibleInBothLooks } from './looks.ts'

const visits: Visit[] = []
afterEach(async () => {
  await Promise.all(visits.splice(0).map((one) => one.close()))
})

async function visiting(path: string, key?: string): Promise<Visit> {
  const one = await visit(path, key === undefined ? {} : { key })
  visits.push(one)
  return one
}

/** From the top: the bar of a phone stands over a page that is scrolled. */
async function looks(one: Visit): Promise<void> {
  await one.page.evaluate(() => {
    scrollTo(0, 0)
  })
  await expectAccessibleInBothLooks(one)
}

/** What a person does at Apple's site. */
async function atApple(method: string, path: string, body?: string): Promise<string> {
  const response = await fetchAlone(`${inject('appleUrl')}/portal/${path}`, {
    method,
    ...(body !== undefined && { body }),
  })
  const text = await response.text()
  expect(response.status, text).toBe(200)
  return text
}

const DEVICES = [
  { serial_number: 'C02ABM000001', model: 'MacBook Pro' },
  {
    serial_number: 'C02ABM000002',
    model: 'MacBook Air',
    mdm_migration_deadline: '2020-01-01T00:00:00Z',
  },
  { serial_number: 'DMPABM000003', model: 'iPad' },
]

it('an account is connected by a certificate and a token; its profiles, rules and devices are kept there', async () => {
  await atApple('POST', 'devices', JSON.stringify(DEVICES))
  const ada = await visiting('/console/business-manager')
  const { page } = ada
  await page.getByRole('heading', { name: 'Make the certificate' }).waitFor()
  await looks(ada)
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    ada.click('button', 'Download edgemdm.pem'),
  ])
  expect(download.suggestedFilename()).toBe('edgemdm.pem')
  await atApple('PUT', 'certificate', await readFile(await download.path(), 'utf8'))
  const file = page.getByLabel('Token file of Apple')
  await file.setInputFiles({ name: 'a.p7m', mimeType: '', buffer: Buffer.from('no token') })
  await page.getByRole('alert').waitFor()
  const token = Buffer.from(await atApple('GET', 'token'))
  await file.setInputFiles({ name: 'token.p7m', mimeType: '', buffer: token })
  await page.getByRole('heading', { name: 'Simulated MDM server' }).waitFor()

  await ada.click('link', 'Enrolment profiles')
  await ada.click('button', 'New profile')
  await page.getByLabel('Name').fill('staff')
  await page.getByLabel('Address of the enrolment').fill('http://mdm.example.com/')
  await ada.click('button', 'Define profile')
  await page.getByText('has to start with https://: devices refuse http').waitFor()
  await page.getByLabel('Address of the enrolment').fill('https://mdm.example.com/mdm/enroll')
  await page.getByText('Choose panes').click()
  await page.getByRole('checkbox', { name: 'Siri' }).uncheck()
  await expectAccessible(ada)
  await ada.click('button', 'Define profile')
  await page.getByRole('row', { name: /staff/ }).waitFor()
  await ada.click('button', 'New profile')
  await page.getByLabel('Name').fill('staff')
  await page.getByLabel('Address of the enrolment').fill('https://mdm.example.com/mdm/other')
  await ada.click('button', 'Define profile')
  await page.getByText('A profile has this name already').waitFor()
  await page.goBack()
  await ada.click('button', 'New profile')
  expect(await page.getByLabel('Name').inputValue()).toBe('staff')
  await ada.click('button', 'Cancel')

  await ada.click('link', 'Rules')
  await ada.click('button', 'Add rule')
  await page.getByText('Conditions').click()
  await page.getByLabel('Family').fill('Mac')
  await page.getByRole('heading', { name: '1. Mac 2 devices' }).waitFor()
  await expectAccessible(ada)
  await ada.click('button', 'Save rules')
  await page.getByText('The rules are saved').waitFor()
  await ada.click('button', 'Sync now')
  await ada.click('link', /^Devices ?\d/)
  await page.getByRole('row', { name: /C02ABM000001.*staff.*Assigned/ }).waitFor()
  await page.getByRole('row', { name: /C02ABM000002.*Passed/ }).waitFor()
  await selectsAllPages(ada)

  await ada.click('checkbox', 'Select DMPABM000003')
  await looks(ada)
  await ada.click('button', 'Release…')
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('Type 0003 to confirm').fill('0001')
  await page.keyboard.press('Enter')
  await dialog.getByText('Type 0003', { exact: true }).waitFor()
  await dialog.getByLabel('Type 0003 to confirm').fill('0003')
  await page.keyboard.press('Enter')
  await page.getByText('1 device released.').waitFor()
  expect(JSON.parse(await atApple('GET', 'devices'))).toMatchObject([
    { serial_number: 'C02ABM000001', profile_name: 'staff' },
    { serial_number: 'C02ABM000002' },
    { serial_number: 'DMPABM000003', server: null },
  ])
  await showsItsStates(ada)
})

/** As if a page of the list had one device: the others come page by page, until a person stops it. */
async function selectsAllPages(ada: Visit): Promise<void> {
  const { page } = ada
  const listedBy = (limit: string) => (address: URL) =>
    address.pathname === '/api/dep/devices' && address.searchParams.get('limit') === limit
  await page.route(listedBy('100'), async (route) => {
    const response = await route.fetch({ url: route.request().url().replace('cursor=next', '') })
    const { items, ...list }: { items: object[] } = JSON.parse(await response.text())
    await route.fulfill({ json: { ...list, items: items.slice(0, 1), next: 'next' } })
  })
  const ofTheWalk = listedBy('1000')
  await page.route(ofTheWalk, () => undefined)
  await ada.click('link', 'Rules')
  await ada.click('link', /^Devices ?\d/)
  await page.getByRole('row', { name: /C02ABM000002/ }).waitFor({ state: 'detached' })
  await ada.click('checkbox', 'Select C02ABM000001')
  await ada.click('button', 'Select all 3 that match')
  await page.getByText('0 of 3 found').waitFor()
  await looks(ada)
  await ada.click('button', 'Stop')
  await page.unroute(ofTheWalk)
  await ada.click('button', 'Select all 3 that match')
  await page.getByText('3 devices selected').waitFor()
  await ada.click('link', 'Next page')
  await page.getByRole('link', { name: 'First page' }).waitFor()
  await page.getByText('3 devices selected').waitFor()
  await page.unrouteAll()
  await ada.click('button', 'Clear')
  await ada.click('link', 'Rules')
  await ada.click('link', /^Devices ?\d/)
}

/** With the account that the test before it has connected: what Apple refuses, a fault, and a key that reads. */
async function showsItsStates({ page, url }: Visit): Promise<void> {
  const [account] = (await callApi<{ items: { id: string }[] }>(url, 'GET', '/api/dep/accounts'))
    .items
  const path = `/api/dep/accounts/${account?.id}`
  const detail = await callApi<object>(url, 'GET', path)
  const flagged = { ...detail, flag: 'terms', flag_since: new Date().toISOString() }
  const { key } = await callApi<{ key: string }>(url, 'POST', '/api/keys', {
    name: 'reads Apple',
    scopes: ['read'],
    expires_in: '1h',
  })
  const cleo = await visiting('/console', key)
  await cleo.page.route(`**${path}`, (route) => route.fulfill({ json: flagged }))
  await cleo.page.route('**/api/dep/devices?*', (route) =>
    route.fulfill({ status: 503, json: { detail: 'The directory does not answer.' } }),
  )
  await cleo.page.goto(new URL(page.url()).pathname)
  await cleo.page.getByText('An administrator accepts').waitFor()
  await cleo.page.getByText('The directory does not answer.').waitFor()
  expect(await cleo.page.getByRole('button', { name: 'Sync now' }).getAttribute('title')).toBe(
    'Your key lacks the scope config',
  )
  await expectAccessible(cleo)
}

it('a blueprint is written step by step, what is wrong stands at its field, and a device shows what it would get', async () => {
  const ada = await visiting('/console/blueprints')
  const { page } = ada
  const name = `Held ${crypto.randomUUID()}`
  await ada.click('button', 'New blueprint')
  await page.getByLabel('Name').fill(name)
  await page.getByRole('checkbox', { name: 'visionOS' }).first().check()
  await ada.click('button', 'Add step')
  await ada.click('button', 'Save blueprint')
  await page.getByText('is missing').waitFor()
  await looks(ada)
  await page.getByLabel('Step').selectOption('Wait for an admin')
  await page.getByText('As JSON', { exact: true }).click()
  await page.getByLabel('JSON', { exact: true }).fill('{ "name"')
  await ada.click('button', 'Save blueprint')
  await page.getByRole('heading', { name }).waitFor()
  await ada.click('link', 'What would a device get?')
  await page.getByLabel('Serial number, or id of a device').fill('C02PREVIEW01')
  await page.getByLabel('Platform').selectOption('visionOS')
  await page.keyboard.press('Tab')
  await ada.click('button', 'Show')
  const found = page.getByRole('listitem').filter({ hasText: name }).first()
  await found.getByText('Gets it').waitFor()
  await page.getByLabel('Platform').selectOption('macOS')
  await ada.click('button', 'Show')
  await found.getByText('the platform is macOS').waitFor()
  await expectAccessible(ada)
  await found.getByRole('link').click()
  await ada.click('button', 'Delete blueprint…')
  await page.getByRole('dialog').getByRole('button', { name: 'Delete blueprint' }).click()
  await page.getByText(`${name} is deleted`).waitFor()
  await ada.click('button', 'New blueprint')
  expect(await page.getByLabel('JSON', { exact: true }).inputValue()).not.toBe('{ "name"')
  const discard = page.getByRole('button', { name: 'Discard changes' })
  await page.getByLabel('Priority').fill('5')
  await discard.waitFor()
  await page.getByLabel('Priority').fill('')
  await discard.waitFor({ state: 'detached' })
})

it('a setup user takes a password, and no page shows it again', async () => {
  const ada = await visiting('/console/blueprints')
  const { page } = ada
  const id = `admin-${crypto.randomUUID()}`
  const asked: string[] = []
  let isLeft = false
  page.on('dialog', (dialog) => {
    asked.push(dialog.type())
    void (isLeft ? dialog.accept() : dialog.dismiss())
  })
  await ada.click('link', 'Setup users')
  await ada.click('button', 'New setup user')
  await page.getByLabel('Id').fill(id)
  await page.getByLabel('Name of the account').fill('itadmin')
  await page.getByLabel('Password').selectOption('The same on all Macs')
  const password = page.getByLabel('New password')
  await password.fill('correct horse battery staple')
  await page.keyboard.press('Escape')
  await expect.poll(() => asked.length).toBe(1)
  await page.evaluate(() => {
    history.back()
  })
  await expect.poll(() => asked.length).toBe(2)
  await expect.poll(() => page.url()).toContain('?tab=users')
  expect(await password.inputValue()).toBe('correct horse battery staple')
  isLeft = true
  await page.keyboard.press('Escape')
  await page.getByRole('dialog').waitFor({ state: 'detached' })
  expect(asked).toEqual(['confirm', 'confirm', 'confirm'])
  await ada.click('button', 'New setup user')
  expect(await page.getByLabel('Id').inputValue()).toBe(id)
  expect(await password.inputValue()).toBe('')
  await password.fill('correct horse battery staple')
  await ada.click('button', 'Save setup user')
  const row = page.getByRole('row', { name: new RegExp(id) })
  await row.getByText('The same on all Macs').waitFor()
  await ada.click('button', 'New setup user')
  await page.getByLabel('Id').fill(id)
  await page.getByLabel('Name of the account').fill('other')
  await ada.click('button', 'Save setup user')
  await page.getByText('A setup user has this id already').waitFor()
  await ada.click('button', 'Cancel')
  await row.getByRole('button', { name: /Change/ }).click()
  expect(await page.getByLabel('Password').inputValue()).toBe('keep')
  expect(await page.content()).not.toContain('battery staple')
  await expectAccessible(ada)
  await ada.click('button', 'Delete…')
  await page.getByRole('dialog').getByRole('button', { name: 'Delete setup user' }).click()
  await page.getByText(`${id} is deleted`).waitFor()
})
