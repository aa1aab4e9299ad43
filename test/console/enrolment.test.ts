import { afterEach, expect, inject, it } from 'vitest'
import { expectAccessible, visit, type Visit } from './console.ts'
import { callApi } from './device-tools.ts'
import { expectAccessibleInBothLooks } from './looks.ts'

const visits: Visit[] = []
afterEach(async () => {
  await Promise.all(visits.splice(0).map((one) => one.close()))
})

async function visiting(path: string): Promise<Visit> {
  const one = await visit(path)
  visits.push(one)
  return one
}

it('a problem that comes after the page does not move its tabs', async () => {
  const { page } = await visiting('/console')
  const { promise: held, resolve: answer } = Promise.withResolvers<void>()
  await page.route('**/api/enrollment', async (route) => {
    await held
    await route.continue()
  })
  await page.goto('/console/enrolment')
  const tab = page.getByRole('link', { name: 'Invitations' })
  const before = await tab.boundingBox()
  answer()
  await page.getByText('The address is not https').waitFor()
  expect(await tab.boundingBox()).toEqual(before)
})

it('an invitation is made, its link is shown once, and it is revoked', async () => {
  const ada = await visiting('/console/enrolment')
  const { page, url } = ada
  const note = `Ben ${crypto.randomUUID()}`
  await ada.click('link', 'Invitations')
  await ada.click('button', 'New invitation')
  await page.getByLabel('For', { exact: true }).fill(note)
  await page.getByLabel('Uses').fill('none')
  await ada.click('button', 'Make the invitation')
  const dialog = page.getByRole('dialog')
  await dialog.locator('.fault', { hasText: /./ }).waitFor()
  await page.getByLabel('Uses').fill('2')
  await ada.click('button', 'Make the invitation')
  const link = (await dialog.locator('pre').textContent()) ?? ''
  expect(new URL(link).origin).toBe(url)
  await expectAccessibleInBothLooks(ada)
  await ada.click('button', 'Done')
  const row = page.getByRole('row', { name: new RegExp(note) })
  await row.getByText('0 of 2').waitFor()
  expect(await page.content()).not.toContain(link)
  await row.getByRole('button', { name: /Revoke/ }).click()
  await dialog.getByRole('button', { name: 'Revoke invitation' }).click()
  await row.getByText('Revoked').waitFor()
})

it('serial numbers are pasted, removed, and put back by Undo', async () => {
  const ada = await visiting('/console/enrolment?tab=serials')
  const { page, url } = ada
  const serial = `C02${crypto.randomUUID().slice(0, 8).toUpperCase()}`
  const isKnown = async (): Promise<boolean> => {
    const { items } = await callApi<{ items: { id: string }[] }>(url, 'GET', '/api/known-serials')
    return items.some(({ id }) => id === serial)
  }
  await page.getByLabel('Serial numbers').fill(`${serial.toLowerCase()}\n${serial}\n${serial}B`)
  await ada.click('button', 'Add 2 serial numbers')
  await page.getByText('2 serial numbers added').waitFor()
  await page.getByRole('checkbox', { name: `Select ${serial}`, exact: true }).click()
  await expectAccessible(ada)
  await ada.click('button', 'Remove 1 serial number')
  await page.getByText('1 serial number removed').waitFor()
  expect(await isKnown()).toBe(false)
  await ada.click('button', 'Undo')
  await page.getByText('1 serial number added').waitFor()
  expect(await isKnown()).toBe(true)
})

it('of two enrolments that claim to be one device, a person says which one it is', async () => {
  const ada = await visiting('/console')
  const { page, url } = ada
  const [{ id, serial_number: serial }] = inject('devices')
  const { items } = await callApi<{ items: object[] }>(url, 'GET', `/api/devices?q=${serial}`)
  // A stranger’s certificate takes longer than this test.
  await page.route('**/api/devices?contested=true*', (route) =>
    route.fulfill({ json: { items, next: null, total: 1 } }),
  )
  await page.goto('/console/enrolment')
  await page.getByRole('button', { name: /^Keep the earlier/ }).click()
  await page.getByRole('dialog').getByText('is frozen').waitFor()
  await expectAccessible(ada)
  const sent = page.waitForRequest('**/api/enrollments/decide')
  await page.getByRole('dialog').getByRole('button', { name: 'Keep the earlier' }).click()
  expect((await sent).postDataJSON()).toEqual({ ids: [id], decision: 'earlier' })
  await page.getByText('there is nothing to decide').waitFor()
})
