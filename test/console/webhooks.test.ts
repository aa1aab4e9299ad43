import { createServer } from 'node:net'
import { afterEach, beforeAll, describe, expect, inject, it } from 'vitest'
import { expectDone, visit, type Visit } from './console.ts'
import { callApi } from './device-tools.ts'
import { expectAccessibleInBothLooks } from './looks.ts'
import { CONSOLE_KEY } from './setup.ts'

interface Webhook {
  readonly id: string
  readonly url: string
  readonly deliveries: object
}

/** Ends of certificates: no device of another test posts anything to it. */
const QUIET = 'expiry.ca'

let dead = ''
beforeAll(async () => {
  dead = `http://127.0.0.1:${await portWithoutServer()}`
})

const visits: Visit[] = []
const made: string[] = []
afterEach(async () => {
  await Promise.all(visits.splice(0).map((one) => one.close()))
  const url = inject('consoleUrl')
  const { items } = await callApi<{ items: Webhook[] }>(url, 'GET', '/api/webhooks')
  const ours = items.filter((webhook) => made.includes(webhook.url))
  for (const { id } of ours) {
    await fetch(`${url}/api/webhooks/${id}`, {
      method: 'DELETE',
      headers: { authorization: `Basic ${btoa(`micromdm:${CONSOLE_KEY}`)}` },
    })
  }
})

async function portWithoutServer(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  return typeof address === 'object' && address ? address.port : 0
}

/** The address of a receiver that does not answer. */
function receiver(): string {
  const url = `${dead}/${crypto.randomUUID()}`
  made.push(url)
  return url
}

async function newWebhook(): Promise<Webhook> {
  return callApi(inject('consoleUrl'), 'POST', '/api/webhooks', {
    url: receiver(),
    topics: [QUIET],
  })
}

async function visiting(path: string): Promise<Visit> {
  const one = await visit(path)
  visits.push(one)
  return one
}

describe('webhooks', () => {
  it('one is added, and its secret stays until it is copied or done', async () => {
    const ada = await visiting('/console/webhooks')
    const { page } = ada
    const url = receiver()
    await ada.click('button', 'Add webhook…')
    const dialog = page.getByRole('dialog')
    const sent: string[] = []
    page.on('request', (request) =>
      sent.push(`${request.method()} ${new URL(request.url()).pathname}`),
    )
    await dialog.getByLabel('Address of the receiver').fill('hooks')
    await dialog.getByRole('button', { name: 'Add webhook' }).click()
    await dialog.getByLabel('Address of the receiver').fill(url)
    await dialog.getByRole('checkbox', { name: /MicroMDM/ }).uncheck()
    await dialog.getByRole('checkbox', { name: /Ends of/ }).check()
    await expectAccessibleInBothLooks(ada)
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Webhook added' }).waitFor()
    expect(sent.filter((one) => one === 'POST /api/webhooks')).toHaveLength(1)
    const secret = await dialog.locator('pre').textContent()
    expect(secret).not.toBe('')
    // A browser lets a page refuse one Esc, and closes at the second.
    await page.keyboard.press('Escape')
    await page.keyboard.press('Escape')
    await page.mouse.click(5, 5)
    expect(await dialog.locator('pre').textContent()).toBe(secret)
    await expectAccessibleInBothLooks(ada)
    await ada.click('button', 'Done')
    await dialog.waitFor({ state: 'detached' })
    await cardOf(ada, url).getByText('Active').waitFor()
  })

  it('a test that nothing answers stands on the card, and pause and resume are seen', async () => {
    const { url, id } = await newWebhook()
    const ada = await visiting('/console/webhooks')
    const card = cardOf(ada, url)
    await card.getByRole('button', { name: 'Send test' }).click()
    await card.getByText(/The receiver did not accept the test/).waitFor()
    await card.getByText('Active').waitFor()
    await card.getByRole('button', { name: 'Pause' }).click()
    await card.getByText('Paused').waitFor()
    expect(await callApi(ada.url, 'GET', `/api/webhooks/${id}`)).toMatchObject({ state: 'paused' })
    await expectAccessibleInBothLooks(ada)
    await card.getByRole('button', { name: 'Resume' }).click()
    await card.getByText('Active').waitFor()
    expect(await callApi(ada.url, 'GET', `/api/webhooks/${id}`)).toMatchObject({ state: 'active' })
  })

  it('task 14: from the overview to why posts fail, a test, resume and retry, in 4 actions', async () => {
    const webhook = await newWebhook()
    const ada = await visiting('/console/settings')
    // A receiver is down after hours only, and a letter is dead after days.
    const down = {
      ...webhook,
      state: 'down',
      reason: 'connection refused',
      deliveries: {
        ...webhook.deliveries,
        failures: 7,
        next_try_at: new Date().toISOString(),
        dead_letters: 12,
      },
    }
    const found = {
      id: 'webhooks',
      since: null,
      level: 'warn',
      text: 'the receiver of the webhook at 127.0.0.1 is down: connection refused',
      fix: 'look at the receiver',
      webhook_id: webhook.id,
    }
    const { page } = ada
    await page.route('**/api/overview', async (route) => {
      const { devices } = (await (await route.fetch()).json()) as { devices: object }
      await route.fulfill({ json: { needs_attention: [found], devices } })
    })
    await page.route(`**/api/webhooks/${webhook.id}`, (route) => route.fulfill({ json: down }))
    await page.route('**/api/dead-letters/retry', (route) =>
      route.fulfill({ json: { retried: 12, gone: 0, left: 0 } }),
    )
    await page.goto('/console')
    await ada.click('link', 'Open webhooks')
    await page.getByText('connection refused').first().waitFor()
    await page.getByText('7 tries in a row failed. The next is due.').waitFor()
    await expectAccessibleInBothLooks(ada)
    await ada.click('button', 'Send test')
    await page
      .getByText(/The receiver did not accept the test/)
      .first()
      .waitFor()
    await ada.click('button', 'Resume')
    await page.getByText('Webhook resumed: what waited is posted now').waitFor()
    await ada.click('button', 'Retry 12 dead letters')
    await page.getByText('12 dead letters retried, for 3 more days').waitFor()
    expectDone(ada, 4)
    await page.unrouteAll({ behavior: 'ignoreErrors' })
  })
})

function cardOf({ page }: Visit, url: string) {
  return page.locator('.webhooks .card', { hasText: url })
}
