import { afterEach, describe, expect, inject, it } from 'vitest'
import type { Page } from 'playwright-core'
import { expectAccessible, expectDone, PHONE, visit, type Visit } from './console.ts'
import { joinDevice } from './device-tools.ts'
import { CONSOLE_KEY } from './setup.ts'

/** An address without a screen: answers are put in the place of the server’s before one is opened. */
const NOWHERE = '/console/nowhere'
const BASIC = `Basic ${btoa(`micromdm:${CONSOLE_KEY}`)}`

interface Row {
  readonly [name: string]: unknown
  readonly id: string
}

function deviceRow(n: number, changes: object = {}): Row {
  return {
    id: `${String(n).padStart(8, '0')}-0000-4000-8000-000000000000`,
    type: 'Device',
    state: 'enrolled',
    platform: 'macOS',
    serial_number: `C02X${String(n).padStart(8, '0')}`,
    serial_number_proven: false,
    serial_number_contested: false,
    device_name: `Mac ${n}`,
    model: 'Mac14,3',
    model_name: 'Mac mini',
    product_name: 'Mac14,3',
    os_version: '26.1',
    build_version: '25B78',
    last_seen_at: '2026-11-24T09:00:02.000Z',
    push_state: 'ready',
    contested: false,
    enrolled_at: '2026-11-24T08:00:00.000Z',
    enrollment_type: 'automated',
    supervised: true,
    users: ['ada'],
    blocked: false,
    identity_not_after: '2027-11-24T08:00:00.000Z',
    renewal: null,
    ...changes,
  }
}

const fleetOf = (count: number) => Array.from({ length: count }, (_, n) => deviceRow(n))

/** Answers the list in the place of the server, page by page. */
async function stubList(page: Page, rows: readonly Row[], asked: URLSearchParams[] = []) {
  await page.route(/\/api\/devices(\?|$)/, async (route) => {
    const query = new URL(route.request().url()).searchParams
    asked.push(query)
    const limit = Number(query.get('limit') ?? 100)
    const from = Number(query.get('cursor') ?? 0)
    const next = from + limit < rows.length ? String(from + limit) : null
    const total = from === 0 ? rows.length : null
    await route.fulfill({ json: { items: rows.slice(from, from + limit), next, total } })
  })
}

const open: Visit[] = []
async function visiting(...to: Parameters<typeof visit>): Promise<Visit> {
  const made = await visit(...to)
  open.push(made)
  return made
}
/** A visit of the list with these rows in the place of the server’s. */
async function listing(
  rows: readonly Row[],
  path: string,
  options: Parameters<typeof visit>[1] = {},
) {
  const ada = await visiting(NOWHERE, options)
  const asked: URLSearchParams[] = []
  await stubList(ada.page, rows, asked)
  await ada.page.goto(path)
  return { ada, asked }
}
afterEach(async () => {
  await Promise.all(open.splice(0).map((one) => one.close()))
})

const api = async (method: string, path: string, body?: object) => {
  const response = await fetch(`${inject('consoleUrl')}${path}`, {
    method,
    headers: { authorization: BASIC },
    ...(body && { body: JSON.stringify(body) }),
  })
  const answer: { id: string; key: string } = JSON.parse(await response.text())
  return answer
}

describe('a fleet', () => {
  it('task 13: filter, select all, command; halt the job, and select the failed ones', async () => {
    const url = inject('consoleUrl')
    const serial = crypto.randomUUID().slice(0, 8).toUpperCase()
    // The job begins with the lowest id: the Mac, which does not have the command.
    const udid = crypto.randomUUID().slice(1)
    const mac = await joinDevice(url, { udid: `0${udid}`, serial: `${serial}MAC` })
    const phone = { platform: 'iOS', udid: `F${udid}`, serial: `${serial}IOS` } as const
    await joinDevice(url, phone)
    const ada = await visiting('/console/devices')
    await ada.page.getByRole('searchbox').fill(serial)
    await ada.page.getByText('2 devices', { exact: true }).waitFor()
    await ada.click('checkbox', 'Select all 2 that match')
    await ada.page.getByText('All 2 that match are selected').waitFor()
    await ada.page.locator('tr[data-row] a').first().focus()
    await ada.press('c')
    await ada.page.getByText('To 2 devices.').waitFor()
    await ada.page.getByRole('searchbox', { name: 'Find a command' }).fill('managedmedialist')
    await ada.press('Enter')
    await ada.page.getByText('1 device of 2 cannot take it').waitFor()
    await ada.page.getByLabel('Devices a minute').fill('1')
    await ada.click('button', 'Send')
    await ada.page.waitForURL(/\/console\/jobs\//)
    await ada.page.getByText('1 failed (50 %)').waitFor()
    await expectAccessible(ada)
    await ada.click('button', 'Halt')
    await ada.page.locator('.badge', { hasText: 'Halted' }).waitFor()
    await ada.click('button', 'Select the one that failed')
    await ada.page.waitForURL(`**/console/commands/new?ids=${mac.udid}`)
    expectDone(ada, 6)
  })

  it('is selected by its filter, whatever its size', async () => {
    const { ada, asked } = await listing(fleetOf(1240), '/console/devices')
    await ada.page.getByRole('searchbox').fill('Mac')
    await ada.page.waitForURL('**/console/devices?q=Mac')
    await ada.page.getByText('1–100 of 1,240').waitFor()
    await expect.poll(() => asked.at(-1)?.get('q')).toBe('Mac')
    await ada.click('checkbox', 'Select all 1,240 that match')
    await ada.click('button', 'Command…')
    await ada.page.waitForURL('**/console/commands/new?q=Mac')
  })

  it('prints the rows that are not near the screen, too', async () => {
    const { ada } = await listing(fleetOf(100), '/console/devices')
    const rows = ada.page.locator('tr[data-row]')
    await rows.first().waitFor()
    expect(await rows.count()).toBeLessThan(50)
    await ada.page.evaluate(() => {
      addEventListener('beforeprint', () => {
        const { length } = document.querySelectorAll('tr[data-row]')
        document.body.setAttribute('data-printed', String(length))
      })
    })
    await ada.page.pdf()
    expect(await ada.page.locator('body').getAttribute('data-printed')).toBe('100')
    await expect.poll(() => rows.count()).toBeLessThan(50)
  })

  it('of 3,000 devices is a window of rows, of which few are in the page', async () => {
    const { ada, asked } = await listing(fleetOf(3000), '/console/devices')
    await ada.page.getByText('1–100 of 3,000').waitFor()
    expect(await ada.page.locator('tr[data-row]').count()).toBeLessThan(50)
    await expect
      .poll(async () => {
        await ada.page.evaluate(() => {
          scrollTo(0, document.body.scrollHeight)
        })
        const ends = ['Next devices', 'Mac 999'].map((name) =>
          ada.page.getByRole('link', { name }).count(),
        )
        return Promise.all(ends)
      })
      .toEqual([1, 1])
    await ada.page.getByText('1–1,000 of 3,000').waitFor()
    await ada.press('j')
    const row = ada.page.locator('tr[data-row]:focus-within')
    expect(Number(await row.getAttribute('data-row'))).toBeGreaterThan(900)
    await ada.press('x')
    await ada.page.evaluate(() => {
      scrollTo(0, 5000)
    })
    await ada.page.getByRole('button', { name: 'Add to a set…' }).dispatchEvent('click')
    await ada.page.getByRole('dialog').waitFor()
    await ada.press('Escape')
    await ada.page.getByRole('dialog').waitFor({ state: 'detached' })
    expect(await ada.page.evaluate(() => scrollY)).toBe(5000)
    expect(await ada.page.locator('tr[data-row]').count()).toBeLessThan(100)
    expect(Math.max(...asked.map((query) => Number(query.get('limit'))))).toBe(100)
    await ada.click('link', 'Next devices')
    await ada.page.getByText('1,001–1,100 of 3,000').waitFor()
    await ada.page.goBack()
    await ada.page.getByText(/^1–/).waitFor()
    expect(ada.faults).toEqual([])
  })

  it('is sorted by its headings, and shows the chosen columns, also at the next visit', async () => {
    const { ada, asked } = await listing(fleetOf(3), '/console/devices')
    await ada.click('link', 'OS')
    await ada.page.locator('th[aria-sort=ascending]', { hasText: 'OS' }).waitFor()
    await ada.click('link', 'OS')
    await ada.page.locator('th[aria-sort=descending]', { hasText: 'OS' }).waitFor()
    await expect.poll(() => asked.at(-1)?.get('sort')).toBe('-os_version')
    await ada.page.getByText('Columns').click()
    await ada.page.getByLabel('Users').check()
    await ada.page.getByRole('columnheader', { name: 'Users' }).waitFor()
    await ada.page.getByLabel('Model').uncheck()
    await expectAccessible(ada)
    await ada.page.goto('/console/devices')
    await ada.page.getByRole('columnheader', { name: 'Users' }).waitFor()
    expect(await ada.page.getByRole('columnheader', { name: 'Model' }).count()).toBe(0)
  })

  it('is picked by ranges, also by keys, and a picked row can be left out of all', async () => {
    const { ada } = await listing(fleetOf(20), '/console/devices?state=enrolled')
    await ada.page.getByLabel('Select Mac 2', { exact: true }).click()
    await ada.page.getByLabel('Select Mac 6', { exact: true }).click({ modifiers: ['Shift'] })
    await ada.page.getByText('5 selected').waitFor()
    await ada.page.getByRole('heading', { name: 'Devices' }).click()
    await ada.page.keyboard.press('j')
    await ada.page.keyboard.press('x')
    await ada.page.getByText('6 selected').waitFor()
    await ada.click('button', 'Select all 20 that match')
    await ada.page.getByLabel('Select Mac 3', { exact: true }).click()
    await ada.page.getByText('19 selected').waitFor()
    await ada.click('button', 'Command…')
    await ada.page.waitForURL(`**/commands/new?state=enrolled&except=${deviceRow(3).id}`)
  })
})

describe('a list', () => {
  it('shows hostile names as text, on a wide screen and a phone, in the dark', async () => {
    const names = [
      '😀'.repeat(250),
      '<script>alert(1)</script><img src=x onerror=alert(2)>',
      '\u202eevil \u202etfel',
      'مرحبا',
      'W'.repeat(256),
    ]
    const rows = names.map((name, n) =>
      deviceRow(n, { device_name: name, users: [name], model_name: name, os_version: name }),
    )
    const { ada } = await listing(rows, '/console/devices', { colorScheme: 'dark' })
    await ada.page.getByText('5 devices').waitFor()
    await expectAccessible(ada)
    await ada.page.getByText('<script>alert(1)').first().waitFor()
    for (const size of [{ width: 1024, height: 700 }, PHONE]) {
      await ada.page.setViewportSize(size)
      const tooWide = await ada.page.evaluate(
        () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
      )
      expect(tooWide).toBeLessThanOrEqual(0)
    }
    const gaps = await ada.page.locator('tr[data-row]').evaluateAll((lines) =>
      lines.map((line) => {
        const [name, aside] = ['.first', '.aside'].map((kind) => line.querySelector(kind))
        return (
          (aside?.getBoundingClientRect().left ?? 0) - (name?.getBoundingClientRect().right ?? 0)
        )
      }),
    )
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(0)
    const heights = await ada.page
      .locator('tr[data-row]')
      .evaluateAll((lines) => lines.map((line) => line.getBoundingClientRect().height))
    expect(new Set(heights)).toEqual(new Set([64]))
    await expectAccessible(ada)
  })

  it('has its filters behind one button on a phone, and says how many are on', async () => {
    const { ada } = await listing([deviceRow(1), deviceRow(2)], '/console/devices', {
      viewport: PHONE,
    })
    const { page } = ada
    await page.getByText('2 devices').waitFor()
    const menus = page.locator('#device-menus')
    expect(await menus.isVisible()).toBe(false)
    const fold = page.getByRole('button', { name: /^Filter/ })
    await fold.click()
    await menus.getByText('Platform', { exact: true }).click()
    await menus.getByRole('checkbox', { name: 'macOS' }).check()
    await page.waitForURL(/platform=macOS/)
    await expectAccessible(ada)
    await fold.filter({ hasText: '1' }).click()
    expect(await menus.isVisible()).toBe(false)
    await page.getByRole('link', { name: 'Remove Platform: macOS' }).waitFor()
  })

  it('without a match says so, and which filter is in the way', async () => {
    const ada = await visiting(NOWHERE)
    await ada.page.route(/\/api\/devices\?/, async (route) => {
      const query = new URL(route.request().url()).searchParams
      const items = query.has('push_state') ? [] : [deviceRow(1)]
      await route.fulfill({ json: { items, next: null, total: items.length } })
    })
    await ada.page.goto('/console/devices?push=failing&state=enrolled')
    await ada.page.getByText('No device matches').waitFor()
    await ada.page.getByRole('link', { name: '1 device without “Push: Failing”' }).waitFor()
    await expectAccessible(ada)
    await ada.page.getByRole('link', { name: 'Remove Push: Failing' }).click()
    await ada.page.getByRole('link', { name: 'Mac 1' }).waitFor()
  })

  it('of no device leads to the enrolment, and one device is a card', async () => {
    const { ada } = await listing([], '/console/devices')
    await ada.page.getByRole('link', { name: 'Enrol a device' }).waitFor()
    await expectAccessible(ada)
    const one = await listing([deviceRow(1)], '/console/devices')
    await one.ada.page.getByRole('link', { name: 'Open' }).waitFor()
    expect(await one.ada.page.getByRole('table').count()).toBe(0)
    await expectAccessible(one.ada)
  })

  it('says why it cannot be read, and keeps old rows when it cannot be read again', async () => {
    const ada = await visiting(NOWHERE)
    const problem = {
      status: 503,
      contentType: 'application/problem+json',
      body: JSON.stringify({ code: 'unavailable', detail: 'The directory does not answer.' }),
    }
    await ada.page.route(/\/api\/devices\?/, (route) => route.fulfill(problem))
    await ada.page.goto('/console/devices')
    await ada.page.getByText('The directory does not answer.').waitFor()
    await expectAccessible(ada)
    await stubList(ada.page, fleetOf(3))
    await ada.click('button', 'Try again')
    await ada.page.getByRole('link', { name: 'Mac 1' }).waitFor()
    await ada.page.route(/\/api\/devices\?/, (route) => route.fulfill(problem))
    await ada.page.getByRole('searchbox').fill('x')
    await ada.page.getByText('The directory does not answer.').waitFor()
    expect(await ada.page.getByRole('link', { name: 'Mac 1' }).count()).toBe(1)
  })

  it('shows bones while it waits', async () => {
    const ada = await visiting(NOWHERE)
    const { promise: held, resolve: letGo } = Promise.withResolvers<void>()
    await ada.page.route(/\/api\/devices\?/, async (route) => {
      await held
      await route.fulfill({ json: { items: fleetOf(2), next: null, total: 2 } })
    })
    await ada.page.goto('/console/devices')
    await ada.page.locator('.bone').first().waitFor()
    letGo()
    await ada.page.getByRole('link', { name: 'Mac 1' }).waitFor()
  })

  it('lets a key without the scope read and pick, and says what it lacks', async () => {
    const { key } = await api('POST', '/api/keys', { name: 'Cleo', scopes: ['read'] })
    const { ada } = await listing(fleetOf(3), '/console/devices', { key })
    await ada.page.getByLabel('Select Mac 1', { exact: true }).click()
    const button = ada.page.getByRole('button', { name: /^Command…/ })
    expect(await button.getAttribute('aria-disabled')).toBe('true')
    await ada.page.getByText('Your key lacks the scope command.').waitFor()
    await expectAccessible(ada)
  })

  it('is copied as CSV with all pages, in which no cell runs', async () => {
    const tv = { device_name: '=HYPERLINK("x"),"y"', model_name: null, product_name: 'AppleTV14,1' }
    const rows = [deviceRow(0, { ...tv, platform: 'tvOS' }), ...fleetOf(1500).slice(1)]
    const { ada } = await listing(rows, '/console/devices?cols=name,serial,model,os', {
      permissions: ['clipboard-read', 'clipboard-write'],
    })
    await ada.click('button', 'Export as CSV')
    await ada.page.getByText('1,500 devices with the columns').waitFor()
    await expectAccessible(ada)
    await ada.click('button', 'Copy')
    await ada.page.getByText('Copied').waitFor()
    const lines = (await ada.page.evaluate(() => navigator.clipboard.readText())).split('\r\n')
    expect(lines.slice(0, 3)).toEqual([
      'Name,Serial,Model,OS',
      `"'=HYPERLINK(""x""),""y""",C02X00000000,"AppleTV14,1",tvOS 26.1`,
      'Mac 1,C02X00000001,Mac mini,macOS 26.1',
    ])
    expect(lines).toHaveLength(1502)
  })
})

describe('jobs', () => {
  it('are listed, paused and resumed, on a phone in the dark', async () => {
    const ids = Array.from({ length: 40 }, () => crypto.randomUUID())
    const command = { request_type: 'ProfileList' }
    const { id } = await api('POST', '/api/commands', { ids, command, pace: 1 })
    const ben = await visiting('/console/jobs', { viewport: PHONE, colorScheme: 'dark' })
    await ben.page.getByRole('heading', { name: 'Jobs' }).waitFor()
    await expectAccessible(ben)
    await ben.page.locator(`a[href="/console/jobs/${id}"]`).click()
    await ben.click('button', 'Pause')
    await ben.page.locator('.badge', { hasText: 'Paused' }).waitFor()
    await expectAccessible(ben)
    await ben.click('button', 'Resume')
    await ben.page.locator('.badge', { hasText: 'Running' }).waitFor()
    await api('POST', `/api/jobs/${id}/cancel`)
  })

  it('that are not there say so', async () => {
    const ada = await visiting(`/console/jobs/${crypto.randomUUID()}`)
    await ada.page.getByText('it did not exist, or ended more than 30 days ago').waitFor()
    await expectAccessible(ada)
  })
})
