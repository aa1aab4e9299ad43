import { expect, it } from 'vitest'
import { visit, type Visit } from './console.ts'
import { expectAccessibleInBothLooks } from './looks.ts'

const JSON_OF_CONSOLE = { 'x-edgemdm': 'console', 'content-type': 'application/json' }

/** The text of a new key with these scopes. */
async function newKey({ page }: Visit, ...scopes: string[]): Promise<string> {
  const response = await page.request.post('/api/keys', {
    data: { name: `settings-${crypto.randomUUID()}`, scopes, expires_in: '1h' },
    headers: JSON_OF_CONSOLE,
  })
  expect(response.status(), await response.text()).toBe(201)
  return (await response.json()).key
}

it('each part of the settings shows what the server knows, and no secret', async () => {
  const ada = await visit('/console/settings')
  const { page } = ada
  await page.getByText('This key may').waitFor()
  await expectAccessibleInBothLooks(ada)
  await ada.click('link', 'Sessions')
  await page.getByText('This session').waitFor()
  await expectAccessibleInBothLooks(ada)
  await ada.click('link', 'Server')
  const row = page.getByRole('row', { name: /^API_KEY / })
  expect(await row.textContent()).toContain('Set')
  await expectAccessibleInBothLooks(ada)
  await page.getByLabel('Only what is set').check()
  await page.waitForURL('**tab=server&set=1')
  expect(await page.getByRole('row', { name: /^AUDIT_DAYS/ }).count()).toBe(0)
  await ada.close()
})

it('a person ends another session of the own key', async () => {
  const ada = await visit('/console')
  const key = await newKey(ada, 'read')
  const ben = await visit('/console/settings?tab=sessions', { key })
  const other = await visit('/console', { key })
  await ben.page.reload()
  await ben.page.getByRole('button', { name: 'Sign out Ada' }).click()
  await ben.page.getByText('Ada is signed out').waitFor()
  expect((await other.page.request.get('/api/whoami')).status()).toBe(401)
  expect((await ben.page.request.get('/api/whoami')).status()).toBe(200)
  await Promise.all([ada, ben, other].map((one) => one.close()))
})

it('an auditor with a key that only reads sees who did what, filters it, and can change nothing', async () => {
  const ada = await visit('/console')
  const cleo = await visit('/console/audit', { key: await newKey(ada, 'read') })
  const { page } = cleo
  await page.getByRole('row').nth(1).waitFor()
  await expectAccessibleInBothLooks(cleo)
  await page.getByLabel('Action').fill('key.create')
  await page.keyboard.press('Enter')
  await page.waitForURL('**action=key.create')
  await expect
    .poll(() => page.locator('tbody tr td:first-child').allTextContents())
    .toSatisfy(
      (actions: string[]) => actions.length > 0 && actions.every((one) => one === 'API key made'),
    )
  await page.getByLabel('Kind').selectOption('secrets')
  await page.getByText('No row matches').waitFor()
  await expectAccessibleInBothLooks(cleo)
  await page.goto('/console/settings?tab=keys')
  await page.getByText('Your key cannot see keys').waitFor()
  const make = page.getByRole('button', { name: 'New key' })
  expect(await make.getAttribute('title')).toBe('Your key lacks the scope admin')
  await expectAccessibleInBothLooks(cleo)
  await Promise.all([ada, cleo].map((one) => one.close()))
})

it('a key without read sees neither settings nor the audit, and is told whom to ask', async () => {
  const ada = await visit('/console')
  const eve = await visit('/console/settings?tab=server', { key: await newKey(ada, 'metrics') })
  await eve.page.getByText('Your key cannot see the settings').waitFor()
  await eve.click('link', 'Audit')
  await eve.page.getByText('Your key cannot see the audit').waitFor()
  await eve.click('link', 'Overview')
  const lacks = eve.page.getByText('Your key lacks the scope read.')
  await lacks.waitFor()
  expect(await lacks.count()).toBe(1)
  await eve.click('link', 'Jobs')
  await eve.page.getByText('Your key lacks the scope read. Ask the person').waitFor()
  expect(await eve.page.getByRole('button', { name: 'Try again' }).count()).toBe(0)
  expect(await eve.page.getByText('Not live').count()).toBe(0)
  await expectAccessibleInBothLooks(eve)
  await Promise.all([ada, eve].map((one) => one.close()))
})
