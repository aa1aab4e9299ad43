import { expect, it } from 'vitest'
import { CONSOLE_KEY } from './setup.ts'
import { expectAccessible, expectDone, PHONE, visit, type Visit } from './console.ts'

interface Device {
  readonly id: string
  readonly serial_number: string
}

async function someDevice({ page }: Visit): Promise<Device> {
  const { items } = await (await page.request.get('/api/devices?limit=1')).json()
  return items[0]
}

it('task 1: finds a device by the last four of its serial number in two actions', async () => {
  const ada = await visit('/console')
  const { id, serial_number: serial } = await someDevice(ada)
  await ada.page.getByRole('heading', { name: 'Overview', level: 1 }).waitFor()
  await ada.press('Control+k')
  await ada.page.getByRole('combobox').waitFor()
  await ada.page.keyboard.type(serial.slice(-4))
  await ada.press('Enter')
  await ada.page.waitForURL(`**/console/devices/${id}`)
  await ada.page.getByText(serial).first().waitFor()
  await expect.poll(() => ada.page.title()).not.toMatch(/^Device ·/)
  expectDone(ada, 2)
  expect(ada.faults).toEqual([])
  await ada.close()
})

it('the palette marks the first hit, moves by arrows, opens a new tab, and is accessible', async () => {
  const ada = await visit('/console/settings')
  const { page } = ada
  await page.getByRole('heading', { name: 'Settings', level: 1 }).waitFor()
  await ada.press('/')
  const chosen = page.getByRole('option', { selected: true })
  await chosen.waitFor()
  await page.keyboard.type('e')
  await page
    .getByRole('option', { name: /Devices$/ })
    .last()
    .waitFor()
  await expectAccessible(ada)
  const first = await chosen.textContent()
  await ada.press('ArrowDown')
  expect(await chosen.textContent()).not.toBe(first)
  await ada.press('ArrowUp')
  expect(await chosen.textContent()).toBe(first)
  await page.getByRole('combobox').fill('audit')
  await page.getByRole('option', { name: /^Audit/, selected: true }).waitFor()
  const [tab] = await Promise.all([page.context().waitForEvent('page'), ada.press('Control+Enter')])
  await tab.waitForURL('**/console/audit')
  expect(page.url()).toContain('/console/settings')
  await page.keyboard.press('/')
  await page.getByRole('combobox').fill('no device has this')
  await page.getByText('Nothing is called so').waitFor()
  await page.keyboard.press('Escape')
  await page.getByRole('combobox').waitFor({ state: 'detached' })
  await ada.close()
})

it('keyboard alone: signs in, goes to a screen, lists the keys, and switches them off', async () => {
  const ada = await visit('/console', { key: null })
  const { page } = ada
  await page.getByLabel('Your name').waitFor()
  await page.keyboard.type('Ada')
  await page.keyboard.press('Tab')
  await page.keyboard.type(CONSOLE_KEY)
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { name: 'Overview', level: 1 }).waitFor()
  await page.keyboard.press('g')
  await page.keyboard.press('d')
  await page.waitForURL('**/console/devices')
  const heading = page.getByRole('heading', { name: 'Devices', level: 1 })
  await heading.waitFor()
  await expect.poll(() => heading.evaluate((h1) => h1 === document.activeElement)).toBe(true)
  await expect.poll(() => page.title()).toBe('Devices · EdgeMDM')
  await page.keyboard.press('?')
  const list = page.getByRole('heading', { name: 'Keyboard shortcuts' })
  await list.waitFor()
  await expectAccessible(ada)
  await page.getByLabel('Use keys without').focus()
  await page.keyboard.press('Space')
  await page.keyboard.press('Escape')
  await list.waitFor({ state: 'detached' })
  await page.keyboard.press('g')
  await page.keyboard.press('o')
  await page.keyboard.press('/')
  expect(page.url()).toMatch(/devices$/)
  expect(await page.getByRole('combobox').count()).toBe(0)
  await page.keyboard.press('Control+k')
  await page.getByRole('combobox').waitFor()
  await ada.close()
})

it('no key does anything while one types', async () => {
  const ada = await visit('/console/audit')
  await ada.page.getByLabel('Action').fill('')
  await ada.page.keyboard.type('g d / ? device')
  expect(await ada.page.getByLabel('Action').inputValue()).toBe('g d / ? device')
  expect(ada.page.url()).toMatch(/audit$/)
  await ada.close()
})

it('Back returns to where one was', async () => {
  const ada = await visit('/console/settings?tab=server')
  const { page } = ada
  await page.getByText('LOG_LEVEL').scrollIntoViewIfNeeded()
  const top = await page.evaluate(() => scrollY)
  expect(top).toBeGreaterThan(300)
  await ada.click('link', 'Audit')
  await page.getByRole('heading', { name: 'Audit', level: 1 }).waitFor()
  expect(await page.evaluate(() => scrollY)).toBe(0)
  await page.goBack()
  await page.getByText('LOG_LEVEL').waitFor()
  await expect.poll(() => page.evaluate(() => scrollY)).toBe(top)
  await ada.close()
})

it('an address without a screen says so and leads on', async () => {
  const ada = await visit('/console/no/such/screen')
  await ada.page.getByRole('heading', { name: 'No screen has this address' }).waitFor()
  await expectAccessible(ada)
  await ada.click('link', 'Go to the overview')
  await ada.page.getByRole('heading', { name: 'Overview', level: 1 }).waitFor()
  await ada.close()
})

it('on a phone the screens stand behind a button, in the dark too', async () => {
  const ben = await visit('/console/settings', { viewport: PHONE, colorScheme: 'dark' })
  const { page } = ben
  const menu = page.getByRole('button', { name: 'Menu' })
  await menu.waitFor()
  expect(await menu.getAttribute('aria-expanded')).toBe('false')
  expect(await page.getByRole('link', { name: 'Devices' }).isVisible()).toBe(false)
  await ben.click('button', 'Menu')
  await expectAccessible(ben)
  const small = await page.evaluate(() =>
    [...document.querySelectorAll('header a, header button')]
      .map((one) => [one.textContent, one.getBoundingClientRect().height] as const)
      .filter(([text, height]) => text !== 'EdgeMDM' && height > 0 && height < 44),
  )
  expect(small).toEqual([])
  await ben.click('link', 'Audit')
  await page.getByRole('heading', { name: 'Audit', level: 1 }).waitFor()
  expect(await menu.getAttribute('aria-expanded')).toBe('false')
  const isTooWide = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth)
  expect(isTooWide).toBe(false)
  await ben.close()
})

it('the menu of the person has the theme, which stays, and the way out', async () => {
  const ada = await visit('/console/settings')
  const { page } = ada
  await page.getByRole('heading', { name: 'Settings', level: 1 }).waitFor()
  await ada.click('button', /^Ada/)
  await page.locator('#person').getByLabel('Dark').check({ force: true })
  await expectAccessible(ada)
  await page.reload()
  await page.getByRole('heading', { name: 'Settings', level: 1 }).waitFor()
  expect(await page.locator('html').getAttribute('data-look')).toBe('dark')
  await page.evaluate(() => {
    localStorage.setItem('edgemdm-recents', '[]')
  })
  await ada.click('button', /^Ada/)
  await page.locator('#person').getByRole('button', { name: 'Sign out', exact: true }).click()
  await page.getByText('Sign in with an API key').waitFor()
  expect(await page.getByRole('heading', { name: 'Settings', level: 1 }).count()).toBe(0)
  expect(await page.evaluate(() => localStorage.getItem('edgemdm-recents'))).toBeNull()
  expect((await page.request.get('/api/whoami')).status()).toBe(401)
  await ada.close()
})
