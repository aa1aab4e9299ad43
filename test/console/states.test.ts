import { expect, it } from 'vitest'
import { CONSOLE_KEY } from './setup.ts'
import { endSessionAt, visit, type Visit } from './console.ts'
import { expectAccessibleInBothLooks } from './looks.ts'

const SERVER = '/console/settings?tab=server'

function problem(status: number, code: string, detail: string) {
  const body = JSON.stringify({ type: 'about:blank', status, code, detail, errors: [] })
  return { status, contentType: 'application/problem+json', body }
}

async function heading({ page }: Visit, name: string): Promise<void> {
  await page.getByRole('heading', { name, level: 1 }).waitFor()
}

it('without a connection the page stays, says since when, sends nothing, and goes on by itself', async () => {
  const ada = await visit('/console/settings?tab=keys')
  const { page } = ada
  const make = page.getByRole('button', { name: 'New key' })
  await make.waitFor()
  expect(await make.getAttribute('aria-disabled')).toBe('false')
  await page.context().setOffline(true)
  await page.getByText(/^No connection\. Shown as of \d\d:\d\d\.$/).waitFor()
  expect(await make.getAttribute('title')).toBe('No connection')
  await make.click({ force: true })
  expect(await page.getByRole('dialog').count()).toBe(0)
  await expectAccessibleInBothLooks(ada)
  const read = page.waitForResponse('**/api/keys')
  await page.context().setOffline(false)
  expect((await read).status()).toBe(200)
  await page.getByText('No connection').waitFor({ state: 'detached' })
  expect(await make.getAttribute('aria-disabled')).toBe('false')
  await ada.close()
})

it('an answer that was on its way when the connection was lost does not bring it back', async () => {
  const ada = await visit('/console')
  const { page } = ada
  const { promise: held, resolve: answer } = Promise.withResolvers<void>()
  await page.route('**/api/keys', async (route) => {
    await held
    await route.fulfill({ json: { items: [] } })
  })
  const asked = page.waitForRequest('**/api/keys')
  await page.goto('/console/settings?tab=keys')
  await asked
  // The network itself stays. What looks for the connection every five seconds must not find it.
  await page.route('**/console/session', (route) => route.abort())
  await page.evaluate(() => dispatchEvent(new Event('offline')))
  const bar = page.getByText('No connection. Shown as of')
  await bar.waitFor()
  answer()
  await page.getByText('No keys yet').waitFor()
  expect(await bar.isVisible()).toBe(true)
  await ada.close()
})

it.each([
  [503, 'not_configured', 'LOG_LEVEL: loud is no level'],
  [429, 'too_many_wrong_keys', 'wait a minute'],
  [500, 'internal', 'the server failed'],
])('an answer %i is shown in the server’s words, and tried again', async (status, code, detail) => {
  const ada = await visit('/console')
  const { page } = ada
  await page.route('**/api/settings', (route) => route.fulfill(problem(status, code, detail)))
  // It would have the page read again.
  await page.route('**/api/stream*', (route) => route.abort())
  await page.goto(SERVER)
  await page.getByText(detail).waitFor()
  await page.unroute('**/api/settings')
  await ada.click('button', 'Try again')
  await page.getByText('LOG_LEVEL').waitFor()
  await ada.close()
})

it('a slow answer has its place in grey, and an old value stays until the new one comes', async () => {
  const ada = await visit('/console')
  const { page } = ada
  const { promise: held, resolve: answer } = Promise.withResolvers<void>()
  await page.route('**/api/settings', async (route) => {
    await held
    await route.continue()
  })
  await page.goto(SERVER)
  // Before its heading the screen itself is loaded.
  await heading(ada, 'Settings')
  await page.locator('.bone').first().waitFor()
  await expectAccessibleInBothLooks(ada)
  answer()
  await page.getByText('LOG_LEVEL').waitFor()
  await ada.click('link', 'Audit')
  await heading(ada, 'Audit')
  await page.route('**/api/settings', () => undefined)
  await page.goBack()
  await page.getByText('LOG_LEVEL').waitFor()
  await ada.close()
})

it('a session that ends in a form takes nothing of what was typed', async () => {
  const ada = await visit('/console/settings?tab=keys')
  const { page } = ada
  const name = `frame-${crypto.randomUUID()}`
  await ada.click('button', 'New key')
  await page.getByLabel('Name').fill(name)
  await endSessionAt(ada, 'POST', '**/api/keys')
  await ada.click('button', 'Make the key')
  await page.getByText('Your session has ended').waitFor()
  await expectAccessibleInBothLooks(ada)
  await page.getByLabel('API key').fill(CONSOLE_KEY)
  await ada.click('button', 'Sign in')
  await page.getByRole('heading', { name: `The key ${name}` }).waitFor()
  await expect.poll(() => page.locator('dialog pre').textContent()).toMatch(/^emk_/)
  await expectAccessibleInBothLooks(ada)
  await ada.click('button', 'Done')
  await ada.click('button', `Revoke ${name}`)
  await page.getByText('This cannot be undone').waitFor()
  await page
    .getByRole('dialog')
    .getByRole('button', { name: `Revoke ${name}` })
    .click()
  await page.getByText(`The key ${name} is revoked`).waitFor()
  expect(ada.faults).toEqual([])
  await ada.close()
})

it('a clock that is wrong by a day changes no age', async () => {
  const ada = await visit('/console')
  const { page } = ada
  for (const wrong of [86_400_000, -86_400_000]) {
    await page.clock.setFixedTime(Date.now() + wrong)
    await page.goto('/console/audit?action=session.open')
    // What is shown first: it would be right at the next minute in any case.
    const age = await page.locator('td time').first().textContent()
    expect(age).toMatch(/^(just now|\d+ min ago)$/)
  }
  await ada.close()
})

it('a file of an earlier version reloads the page once, and then it says what to do', async () => {
  const ada = await visit('/console')
  const { page } = ada
  await heading(ada, 'Overview')
  let loads = 0
  page.on('load', () => {
    loads++
  })
  await page.route('**/console/assets/screen-*.js', (route) => route.fulfill({ status: 404 }))
  await page.goto('/console/audit')
  await page.getByText('A new version was deployed').waitFor()
  expect(loads).toBe(2)
  ada.faults.length = 0
  await expectAccessibleInBothLooks(ada)
  await page.unroute('**/console/assets/screen-*.js')
  await ada.click('button', 'Reload the page')
  await page.getByText('Each change, and each secret').waitFor()
  await ada.close()
})

it('a screen that is not loaded yet comes with the connection', async () => {
  const ada = await visit('/console')
  const { page } = ada
  await heading(ada, 'Overview')
  await page.context().setOffline(true)
  await ada.click('link', 'Audit')
  await page.getByText('This screen is not loaded yet').waitFor()
  await page.context().setOffline(false)
  await page.getByText('Each change, and each secret').waitFor()
  await ada.close()
})

it('a server that cannot answer at the start is tried again', async () => {
  const ada = await visit('/console')
  const { page } = ada
  const detail = 'the server cannot read its list of keys just now: try again'
  await page.route('**/console/session', (route) =>
    route.fulfill(problem(503, 'unavailable', detail)),
  )
  await page.reload()
  await page.getByText(detail).waitFor()
  await expectAccessibleInBothLooks(ada)
  await page.unroute('**/console/session')
  await ada.click('button', 'Try again')
  await heading(ada, 'Overview')
  await ada.close()
})
