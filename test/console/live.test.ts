import { expect, inject, it } from 'vitest'
import { expectAccessible, PHONE, visit, type Visit } from './console.ts'
import { callApi, joinDevice } from './device-tools.ts'
import { CONSOLE_KEY } from './setup.ts'

const url = inject('consoleUrl')

/** Nothing is read again by time: what changes on the page, the stream has told. */
async function withoutPolls({ page }: Visit): Promise<void> {
  await page.addInitScript(() => {
    Object.assign(globalThis, { setInterval: () => 0 })
  })
}

async function queue(udid: string, type: string): Promise<void> {
  await callApi(url, 'POST', `/api/devices/${udid}/commands`, { request_type: type })
}

async function untilLive({ page }: Visit): Promise<void> {
  await page.getByText(/✓ Live/).waitFor({ state: 'attached' })
}

it('what another person does is seen without a reload, and the feed can be paused', async () => {
  // The whole feed has what other files do, too: more rows than the table keeps in the page.
  const device = await joinDevice(url)
  const ada = await visit(`/console/activity?kind=command&device=${device.udid}`)
  await untilLive(ada)
  await queue(device.udid, 'ProvisioningProfileList')
  await device.poll()
  await ada.page.getByText('ProvisioningProfileList: done').first().waitFor()
  await expectAccessible(ada)
  await ada.click('button', 'Pause')
  await queue(device.udid, 'ManagedApplicationList')
  await device.poll()
  await ada.page.getByText(/Paused\. \d+ new\./).waitFor()
  expect(await ada.page.getByText('ManagedApplicationList').count()).toBe(0)
  await ada.click('button', 'Resume')
  await ada.page.getByText('ManagedApplicationList: done').first().waitFor()
  await ada.close()
})

it('a device’s page shows what the device does, and the list a device that comes, both without a poll', async () => {
  const ada = await visit('/console/devices')
  const device = await joinDevice(url)
  await withoutPolls(ada)
  await ada.page.goto(`/console/devices/${device.udid}?tab=queue`)
  await untilLive(ada)
  await queue(device.udid, 'InstalledApplicationList')
  await ada.page.getByText('InstalledApplicationList').first().waitFor()
  await ada.page.getByText('Waiting').first().waitFor()
  await device.poll()
  await ada.page.getByText('Done').first().waitFor()
  await ada.page.goto('/console/devices?q=C02')
  await untilLive(ada)
  const other = await joinDevice(url)
  await ada.page.getByText(other.serial).first().waitFor()
  await ada.close()
})

it('says that it is not live while the connection is cut, and has what happened meanwhile', async () => {
  const device = await joinDevice(url)
  const ada = await visit('/console')
  await withoutPolls(ada)
  await ada.page.goto(`/console/activity?device=${device.udid}`)
  await untilLive(ada)
  await ada.page.context().setOffline(true)
  await ada.page.getByText('Not live').first().waitFor({ state: 'attached' })
  await queue(device.udid, 'UserList')
  await device.poll()
  await ada.page.context().setOffline(false)
  await untilLive(ada)
  await ada.page.getByText('UserList: done').first().waitFor()
  await ada.close()
})

it('counts answers to one’s own commands in the title while the page is hidden, and tells each', async () => {
  const ada = await visit('/console/settings')
  const { page } = ada
  const device = await joinDevice(url, { name: 'Ben’s Mac' })
  const who = `Ada ${device.serial}`
  await page.context().clearCookies()
  const signedIn = await page.request.post(`${ada.url}/console/session`, {
    data: { key: CONSOLE_KEY, who },
    headers: { 'x-edgemdm': 'console' },
  })
  expect(signedIn.status()).toBe(201)
  await page.addInitScript(() => {
    const told: string[] = []
    class Notice extends EventTarget {
      static readonly permission = 'default'
      static async requestPermission(): Promise<string> {
        return Promise.resolve('granted')
      }
      constructor(title: string, { body }: { body: string }) {
        super()
        told.push(`${title}: ${body}`)
      }
    }
    Object.assign(globalThis, { told, Notification: Notice })
  })
  await page.reload()
  await untilLive(ada)
  await ada.click('checkbox', /^Notify me/)
  const hide = (isHidden: boolean): Promise<void> =>
    page.evaluate((value) => {
      Object.defineProperty(document, 'hidden', { value, configurable: true })
      document.dispatchEvent(new Event('visibilitychange'))
    }, isHidden)
  const path = `${ada.url}/api/devices/${device.udid}/commands`
  await page.request.post(path, {
    data: { request_type: 'SecurityInfo' },
    headers: { 'x-edgemdm': 'console' },
  })
  await hide(true)
  await device.poll()
  await expect.poll(() => page.title()).toBe('(1) Settings · EdgeMDM')
  expect(await page.evaluate('told')).toEqual(['Ben’s Mac: SecurityInfo: Done'])
  await hide(false)
  await expect.poll(() => page.title()).toBe('Settings · EdgeMDM')
  await ada.close()
})

it('its other states: nothing that fits, an error, no permission, a dark phone', async () => {
  const ada = await visit('/console/activity?actor=somebody-else', {
    colorScheme: 'dark',
    viewport: PHONE,
  })
  await ada.page.getByText('Nothing matches').waitFor()
  await expectAccessible(ada)
  await ada.page.route('**/api/activity*', (route) => route.fulfill({ status: 500, body: '' }))
  await ada.page.reload()
  await ada.page.getByRole('button', { name: 'Try again' }).waitFor()
  await ada.page.unroute('**/api/activity*')
  await ada.click('button', 'Try again')
  await ada.click('button', 'Clear the filters')
  await ada.page.getByRole('heading', { name: 'Activity' }).waitFor()
  expect(new URL(ada.page.url()).search).toBe('')
  await ada.close()
})
