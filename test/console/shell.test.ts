import { expect, it } from 'vitest'
import { CONSOLE_KEY } from './setup.ts'
import { endSessionAt, expectAccessible, visit } from './console.ts'

it('asks for a key, and shows the screen of the address after it', async () => {
  const ada = await visit('/console/devices', { key: null })
  await ada.page.getByLabel('Your name').fill('Ada')
  await ada.page.getByLabel('API key').fill(CONSOLE_KEY)
  await expectAccessible(ada)
  await ada.click('button', 'Sign in')
  await ada.page.getByRole('heading', { name: 'Devices' }).waitFor()
  await expectAccessible(ada)
  await ada.close()
})

it('says what is wrong with a key, and keeps the name', async () => {
  const ada = await visit('/console', { key: null })
  await ada.page.getByLabel('Your name').fill('Ada')
  await ada.page.getByLabel('API key').fill('wrong')
  await ada.click('button', 'Sign in')
  await ada.page.getByText('the key is wrong, revoked or expired').waitFor()
  expect(await ada.page.getByLabel('Your name').inputValue()).toBe('Ada')
  await ada.close()
})

it('goes on where it was when the session has ended', async () => {
  const ada = await visit('/console/devices')
  await ada.page.locator('tr[data-row]').first().waitFor()
  await endSessionAt(ada, 'GET', '**/api/devices?*sort=serial_number*')
  await ada.click('link', 'Serial')
  await ada.page.getByText('Your session has ended').waitFor()
  await ada.page.getByLabel('API key').fill(CONSOLE_KEY)
  await ada.click('button', 'Sign in')
  await ada.page.locator('th[aria-sort=ascending]', { hasText: 'Serial' }).waitFor()
  expect(ada.faults).toEqual([])
  await ada.close()
})
