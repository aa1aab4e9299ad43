import type { BrowserContext } from 'playwright-core'
import { expect, it } from 'vitest'
import { visit } from './console.ts'
import { expectAccessibleInBothLooks } from './looks.ts'
import { CONSOLE_KEY } from './setup.ts'

const OF_CONSOLE = { 'x-edgemdm': 'console' }

/**
 * Answers a sign-in without a key as a server with Cloudflare Access in front of it does: as long as `refusal`
 * is set with that, then with a session.
 */
async function behindAccess(context: BrowserContext, refusal: { detail?: string }): Promise<void> {
  await context.route('**/console/session', async (route) => {
    if (route.request().postData() !== '{}') {
      await route.fallback()
    } else if (refusal.detail !== undefined) {
      await route.fulfill({ status: 403, json: { code: 'no_grant', detail: refusal.detail } })
    } else {
      const who = 'ada@example.com'
      const data = { key: CONSOLE_KEY, who }
      const answer = await context.request.post('/console/session', { data, headers: OF_CONSOLE })
      await route.fulfill({ status: 201, json: { ...(await answer.json()), access: true } })
    }
  })
}

it('a person of Cloudflare Access signs in without typing, and adds a colleague', async () => {
  const ada = await visit('/console/no-page', { key: null })
  const { page } = ada
  await page.getByLabel('API key').waitFor()
  expect(await page.getByText('Cloudflare Access').count()).toBe(0)
  const refusal: { detail?: string } = { detail: 'ada@example.com has no scope here yet' }
  await behindAccess(page.context(), refusal)
  await page.goto('/console/settings?tab=keys')
  await page.getByText('ada@example.com has no scope here yet').waitFor()
  await expectAccessibleInBothLooks(ada)
  delete refusal.detail
  await ada.click('button', 'Sign in with Cloudflare Access')
  await ada.click('button', 'New key')
  await page.getByLabel('For').selectOption('email')
  await page.getByLabel('E-mail address').fill('Ben')
  await ada.click('button', 'Add the person')
  await page.getByText('has to be an e-mail address').waitFor()
  await page.getByLabel('E-mail address').fill('Ben@Example.com')
  await expectAccessibleInBothLooks(ada)
  await ada.click('button', 'Add the person')
  const row = page.getByRole('row', { name: /^ben@example\.com Person/ })
  await row.waitFor()
  expect(await row.getByRole('button', { name: 'Roll' }).count()).toBe(0)
  await page.context().clearCookies()
  await page.reload()
  await row.getByRole('button', { name: 'Revoke' }).click()
  await page.getByText('This person is signed out').waitFor()
  await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click()
  await row.waitFor({ state: 'detached' })
  await ada.click('button', /^ada@example/)
  await ada.click('button', /^Sign out$/)
  await page.getByRole('button', { name: 'Sign in with Cloudflare Access' }).waitFor()
  expect(ada.faults).toEqual([])
  await ada.close()
})

it('a key gets a new secret, and the one before works on for the time that was chosen', async () => {
  const ada = await visit('/console/settings?tab=keys')
  const { page } = ada
  const name = `rolled-${crypto.randomUUID()}`
  const data = { name, scopes: ['read'] }
  const made = await page.request.post('/api/keys', { data, headers: OF_CONSOLE })
  const before: string = (await made.json()).key
  await page.reload()
  await ada.click('button', `Roll ${name}`)
  await page.getByLabel('The present secret ends').selectOption('in an hour')
  await expectAccessibleInBothLooks(ada)
  await page
    .getByRole('dialog')
    .getByRole('button', { name: `Roll ${name}` })
    .click()
  await page.getByText('The secret before it ends in an hour.').waitFor()
  const after = (await page.locator('dialog pre').textContent()) ?? ''
  for (const key of [before, after]) {
    const headers = { authorization: `Bearer ${key}` }
    expect((await page.request.get('/api/whoami', { headers })).status()).toBe(200)
  }
  expect(after).not.toBe(before)
  await ada.click('button', 'Done')
  await page.goto('/console/audit?action=key.roll')
  await page
    .getByRole('row', { name: /API key rolled over/ })
    .first()
    .waitFor()
  await ada.close()
})
