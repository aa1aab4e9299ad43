import { describe, expect, inject, it } from 'vitest'
import { callApi, joinDevice } from './device-tools.ts'
import { expectAccessible, expectDone, PHONE, visit, type Visit } from './console.ts'

const url = inject('consoleUrl')
const deviceOf = (id: string): string => `/console/devices/${id}`
const inView = (page: Visit['page'], text: string | RegExp) =>
  page
    .getByText(text)
    .first()
    .evaluate((element) => {
      const { top, bottom } = element.getBoundingClientRect()
      // The bar of actions covers the end of a phone's screen.
      const bar = document.querySelector('.device-actions')?.getBoundingClientRect()
      const end = bar && bar.top > innerHeight / 2 ? bar.top : innerHeight
      return top >= 0 && bottom <= end
    })

const says = ({ page }: Visit, word: string) =>
  page.locator('.verdict', { hasText: word }).waitFor()

async function queue(id: string, command: object): Promise<string> {
  const path = `/api/devices/${id}/commands`
  return (await callApi<{ id: string }>(url, 'POST', path, command)).id
}

describe('the page of a device', () => {
  it('task 2: says whether it is alive, without scrolling, wide and on a phone', async () => {
    const device = await joinDevice(url, { name: 'Ada’s MacBook', answer: () => 'NotNow' })
    await queue(device.udid, { request_type: 'ProfileList' })
    await device.poll()
    for (const viewport of [{ width: 1280, height: 800 }, PHONE]) {
      const ben = await visit(deviceOf(device.udid), { viewport, colorScheme: 'dark' })
      await ben.page.getByRole('heading', { name: 'Ada’s MacBook' }).waitFor()
      for (const text of [
        'Alive',
        'Last seen',
        /Ready/,
        /1 command, the oldest queued/,
        'ends in',
        /^macOS \d+\.\d+ \(/,
      ]) {
        expect(await inView(ben.page, text), String(text)).toBe(true)
      }
      expectDone(ben, 0)
      await expectAccessible(ben)
      expect(
        await ben.page.evaluate(() => document.documentElement.scrollWidth),
      ).toBeLessThanOrEqual(viewport.width)
      await ben.close()
    }
  })

  it('asks for each thing once, however many lines show it', async () => {
    const device = await joinDevice(url)
    for (const type of ['ProfileList', 'SecurityInfo', 'CertificateList']) {
      await queue(device.udid, { request_type: type })
    }
    const ada = await visit('/console')
    const asked: string[] = []
    ada.page.on('request', (request) => asked.push(request.url()))
    const answered = ada.page.waitForResponse('**/api/keys')
    await ada.page.goto(deviceOf(device.udid))
    await answered
    expect(asked.filter((address) => address.endsWith('/api/keys'))).toHaveLength(1)
    await ada.close()
  })

  it('task 4: pushes by P, and says what APNs answered or why it cannot', async () => {
    const device = await joinDevice(url)
    const ada = await visit(deviceOf(device.udid))
    await says(ada, 'Alive')
    await ada.press('p')
    await ada.page.getByText(/^Pushed: APNs has taken it \([0-9A-F-]{36}\)/i).waitFor()
    expectDone(ada, 1)
    await device.checkOut()
    await says(ada, 'Checked out')
    await ada.press('p')
    await ada.page.locator('.toast', { hasText: 'Only an enrolled device' }).waitFor()
    await expectAccessible(ada)
    await ada.close()
  })

  it('task 6: reveals a PIN for a reason, hides it after a minute, and lists the reading', async () => {
    const device = await joinDevice(url)
    await queue(device.udid, { request_type: 'DeviceLock', pin: '482913' })
    await device.poll()
    const ada = await visit(deviceOf(device.udid))
    await ada.page.locator('.chip', { hasText: 'Locked' }).waitFor()
    await ada.page.clock.install()
    await ada.click('link', 'Reveal…')
    await ada.page.getByRole('textbox', { name: 'Reason' }).fill('forgotten, ticket 42')
    await expectAccessible(ada)
    await ada.click('button', /^Reveal$/)
    await ada.page.getByText('482913').waitFor()
    expectDone(ada, 3)
    await expectAccessible(ada)
    await ada.page.clock.runFor(61_000)
    await ada.page.getByText('482913').waitFor({ state: 'detached' })
    await ada.page.getByRole('row', { name: 'Ada Command #1 forgotten, ticket 42' }).waitFor()
    await ada.close()
  })

  it('task 7: says why a command waits, cancels one, clears all, and takes that back', async () => {
    const device = await joinDevice(url, { answer: () => 'NotNow' })
    const types = ['ProfileList', 'SecurityInfo', 'CertificateList']
    for (const type of types) {
      await queue(device.udid, { request_type: type })
    }
    await device.poll()
    const ada = await visit(`${deviceOf(device.udid)}?tab=queue`)
    const waiting = ada.page.getByRole('listitem').filter({ hasText: 'Put off by the device' })
    await ada.page
      .getByText(/NotNow, once since .*; asked again within 15 min/)
      .first()
      .waitFor()
    await expectAccessible(ada)
    await ada.click('button', 'Cancel ProfileList')
    await ada.page.getByText(/^ProfileList cancelled\. A device that has it already/).waitFor()
    await expect.poll(() => waiting.count()).toBe(2)
    await ada.click('button', 'Clear all')
    await ada.page.getByText('2 commands cancelled.').waitFor()
    await ada.page.getByText('Nothing waits.', { exact: true }).waitFor()
    expectDone(ada, 2)
    await ada.page.getByRole('button', { name: 'Undo' }).last().click()
    await ada.page.getByText('2 commands queued again, behind what waits already.').waitFor()
    const path = `/api/devices/${device.udid}/commands?state=queued`
    const { items } = await callApi<{ items: { request_type: string }[] }>(url, 'GET', path)
    expect(items.map(({ request_type: type }) => type)).toEqual(['CertificateList', 'SecurityInfo'])
    await ada.close()
  })
})

describe('what loses something', () => {
  it('is neither brought back by Undo nor sent again by Retry without its question', async () => {
    const device = await joinDevice(url, { answer: () => 'NotNow' })
    const planned = { request_type: 'RestartDevice', not_before: '2099-01-01T00:00:00Z' }
    await queue(device.udid, planned)
    await queue(device.udid, { request_type: 'ShutDownDevice' })
    const ada = await visit(`${deviceOf(device.udid)}?tab=queue`)
    await ada.click('button', 'Cancel RestartDevice')
    await ada.page.getByText(/^RestartDevice cancelled\. There is no Undo/).waitFor()
    await ada.click('button', 'Cancel ShutDownDevice')
    await ada.page.getByText(/^ShutDownDevice cancelled\. There is no Undo/).waitFor()
    expect(await ada.page.getByRole('button', { name: 'Undo' }).count()).toBe(0)
    await ada.click('link', /^Retry RestartDevice/)
    await ada.page.getByText('When: later').waitFor()
    expect(await ada.page.getByLabel('Not before').inputValue()).toMatch(/^20(98|99)-/)
    await ada.page.goBack()
    await ada.click('link', /^Retry ShutDownDevice/)
    await ada.page.getByRole('button', { name: /^Shut down/ }).click()
    await ada.page
      .getByRole('dialog')
      .getByLabel(/to confirm/)
      .waitFor()
    await ada.close()
  })
})

describe('the states of the page', () => {
  it('an unknown device has an address too, and says what a command for it would do', async () => {
    const ada = await visit(deviceOf('3B5E0F5A-0000-4000-8000-000000000000'))
    await ada.page.getByText('Nothing is known of this device').waitFor()
    await ada.page.getByRole('link', { name: 'Queue a command anyway…' }).waitFor()
    await expectAccessible(ada)
    await ada.close()
  })

  it('a hostile name is text, breaks nothing, and runs nothing', async () => {
    const name = `<img src=x onerror=alert(1)> \u202E${'😀'.repeat(500)}`
    const device = await joinDevice(url, { name, platform: 'iPadOS' })
    await callApi(url, 'POST', `/api/devices/${device.udid}/refresh`)
    await device.poll()
    const ben = await visit(deviceOf(device.udid), { viewport: PHONE })
    await ben.page.getByRole('heading', { name: /<img src=x/ }).waitFor()
    for (const tab of ['Inventory', 'Profiles', 'Certificates', 'Secrets', 'Queue']) {
      await ben.page.getByRole('link', { name: tab }).click()
      await ben.page.locator('.tabs [aria-current]', { hasText: tab }).waitFor()
      await expectAccessible(ben)
    }
    expect(await ben.page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(
      PHONE.width,
    )
    await ben.close()
  })

  it('on a phone nothing is cut off or covered, and the menu goes on from Lost Mode', async () => {
    const device = await joinDevice(url, { platform: 'iOS' })
    await queue(device.udid, { request_type: 'EnableLostMode', message: 'Please call' })
    await device.poll()
    const { page, ...ben } = await visit(`${deviceOf(device.udid)}?tab=secrets`, {
      viewport: PHONE,
      hasTouch: true,
      isMobile: true,
    })
    await page.locator('.chip', { hasText: 'Lost Mode' }).waitFor()
    const isWhole = (selector: string) =>
      page.locator(selector).evaluate((element) => {
        const { left, right, top } = element.getBoundingClientRect()
        return left >= 0 && right <= innerWidth && top >= 0
      })
    expect(await isWhole('.tabs [aria-current]')).toBe(true)
    await page.getByText('More', { exact: true }).tap()
    expect(await isWhole('.device-actions .pane')).toBe(true)
    for (const name of ['Play sound…', 'Turn off Lost Mode…']) {
      await page.getByRole('link', { name }).waitFor()
    }
    await page.getByRole('link', { name: 'Locate…' }).tap()
    await page.waitForURL(/command\/DeviceLocation$/)
    await page.goto(`${deviceOf(device.udid)}/command/EnableLostMode`)
    await page.setViewportSize({ ...PHONE, height: 500 })
    const field = page.getByRole('textbox', { name: 'Phone number' })
    await field.focus()
    const [typed, bar] = await Promise.all([
      field.boundingBox(),
      page.locator('.composer > .send').boundingBox(),
    ])
    expect((typed?.y ?? NaN) + (typed?.height ?? NaN)).toBeLessThanOrEqual(bar?.y ?? NaN)
    await ben.close()
  })

  it('a reader without scopes sees all, and what each button lacks', async () => {
    const device = await joinDevice(url)
    const { key: reader } = await callApi<{ key: string }>(url, 'POST', '/api/keys', {
      name: `reader ${device.udid}`,
      scopes: ['read'],
    })
    const cleo = await visit(deviceOf(device.udid), { key: reader })
    await says(cleo, 'Alive')
    const push = cleo.page.getByRole('button', { name: 'Push' })
    expect(await push.getAttribute('aria-disabled')).toBe('true')
    expect(await push.textContent()).toContain('Your key lacks the scope command')
    // A finger sees no title.
    await push.click({ force: true })
    await push.locator('.why').waitFor()
    const sent: string[] = []
    cleo.page.on('request', (request) => sent.push(request.method()))
    for (const [letter, scope, times] of [
      ['p', 'command', 1],
      ['c', 'command', 2],
      ['l', 'destructive', 1],
    ] as const) {
      await cleo.press(letter)
      const said = cleo.page.locator('.toast', { hasText: `Your key lacks the scope ${scope}` })
      await expect.poll(() => said.count()).toBe(times)
    }
    expect(sent.filter((method) => method !== 'GET')).toEqual([])
    expect(new URL(cleo.page.url()).pathname).toBe(deviceOf(device.udid))
    await expectAccessible(cleo)
    await cleo.close()
  })

  it('a part that fails says why, and the rest works: the apps that came since the answer before', async () => {
    const device = await joinDevice(url)
    const ada = await visit('/console')
    await ada.page.route('**/commands?state=*', (route) =>
      route.fulfill({ status: 503, json: { detail: 'the device is busy: try again' } }),
    )
    await ada.page.goto(deviceOf(device.udid))
    await ada.page.getByText('the device is busy: try again').first().waitFor()
    await says(ada, 'Alive')
    await expectAccessible(ada)
    for (const command of [
      { request_type: 'InstalledApplicationList' },
      { request_type: 'InstallApplication', identifier: 'com.example.added' },
      { request_type: 'InstalledApplicationList' },
    ]) {
      await queue(device.udid, command)
      await device.poll()
    }
    await ada.click('link', 'Inventory')
    await ada.page.getByText('com.example.added').first().waitFor()
    await ada.click('button', 'Compare with the answer before')
    const changes = ada.page.getByRole('table', { name: 'Differences' })
    await changes.getByRole('row', { name: 'com.example.added — 1.0' }).waitFor()
    await ada.page.locator(':focus', { hasText: 'The answer before is of' }).waitFor()
    await expectAccessible(ada)
    await ada.close()
  })
})
