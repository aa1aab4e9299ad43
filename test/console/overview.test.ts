import { afterEach, describe, expect, inject, it } from 'vitest'
import { downloadProfile, obtainIdentity } from '../../src/simulator/device/enrolment.ts'
import { createSimulatedDevice } from '../../src/simulator/device/device.ts'
import { newKey } from '../../src/simulator/device/identity.ts'
import { fetchAlone } from '../e2e/server.ts'
import { expectAccessible, expectDone, PHONE, visit, type Visit } from './console.ts'
import { CONSOLE_KEY } from './setup.ts'

/** An address without a screen: answers are put in the place of the server’s before one is opened. */
const NOWHERE = '/console/nowhere'
const NOW = '2026-11-24T09:00:00.000Z'
const EMPTY = {
  counted_at: NOW,
  total: 0,
  by_state: { authenticated: 0, enrolled: 0, checked_out: 0 },
  by_push: { ready: 0, failing: 0, none: 0 },
  contested: 0,
  silent: { '7d': 0, '30d': 0 },
  identities_ending: { '14d': 0, '60d': 0 },
  declarations_failing: 0,
  by_platform: [],
  by_os: [],
}
const MANY = {
  ...EMPTY,
  total: 1250,
  by_state: { authenticated: 1, enrolled: 1240, checked_out: 9 },
  by_push: { ready: 1236, failing: 4, none: 0 },
  silent: { '7d': 31, '30d': 4 },
  by_platform: [
    { platform: 'macOS', enrolled: 812 },
    { platform: 'iOS', enrolled: 428 },
  ],
  by_os: [
    { platform: 'macOS', version: '27.1', enrolled: 640 },
    { platform: 'iOS', version: '26.6', enrolled: 428 },
  ],
}
const DOWN = {
  id: 'webhooks',
  since: NOW,
  level: 'warn',
  text: 'the receiver of the webhook hooks is down: connection lost',
  fix: 'look at the receiver; its events wait for three days (docs/webhooks.md)',
  webhook_id: 'hooks',
}
const PROBLEM = {
  status: 503,
  contentType: 'application/problem+json',
  body: JSON.stringify({ code: 'unavailable', detail: 'The directory does not answer.' }),
}

const open: Visit[] = []
async function visiting(...to: Parameters<typeof visit>): Promise<Visit> {
  const made = await visit(...to)
  open.push(made)
  return made
}
afterEach(async () => {
  await Promise.all(open.splice(0).map((one) => one.close()))
})

const heading = ({ page }: Visit, name: string | RegExp) => page.getByRole('heading', { name })

/** Serial numbers of this file begin so. */
const OWN = 'OVER'
interface Step {
  readonly kind: string
  readonly detail: string | null
}

/** A phone that comes as a person’s does: profile, SCEP, check-in. */
async function arrive(): Promise<{ readonly serial: string; readonly udid: string }> {
  const url = inject('consoleUrl')
  const profile = await downloadProfile(fetchAlone, `${url}/mdm/enroll`)
  const scep = { fetch: fetchAlone, key: newKey('ec') }
  const udid = crypto.randomUUID().toUpperCase()
  const identity = await obtainIdentity(profile, { ...scep, key: newKey('rsa') }, udid)
  const serial = `${OWN}${udid.slice(0, 8)}`
  const { serverUrl, checkInUrl = serverUrl, topic } = profile
  const device = createSimulatedDevice({
    fetch: fetchAlone,
    serverUrl,
    checkInUrl,
    topic,
    profile,
    identity,
    udid,
    serial,
    platform: 'macOS',
  })
  expect((await device.enroll()).status).toBe(200)
  return { serial, udid }
}

async function readKey(): Promise<string> {
  const answer = await fetchAlone(`${inject('consoleUrl')}/api/keys`, {
    method: 'POST',
    headers: {
      authorization: `Basic ${btoa(`micromdm:${CONSOLE_KEY}`)}`,
      'content-type': 'application/json',
    },
    body: JSON.stringify({ name: 'auditor', scopes: ['read'] }),
  })
  const { key }: { key: string } = JSON.parse(await answer.text())
  return key
}

describe('task 10: the first device', () => {
  it('shows code and link, and turns into the device when it has enrolled', async () => {
    const ada = await visiting('/console')
    // Devices of other files enrol meanwhile. This page waits for its own.
    await ada.page.route('**/api/enrollment/steps', async (route) => {
      const response = await route.fetch()
      const { items, ...rest } = (await response.json()) as { items: Step[] }
      const own = items.filter(({ kind, detail }) => kind !== 'enrolled' || detail?.includes(OWN))
      await route.fulfill({ json: { ...rest, items: own } })
    })
    await heading(ada, 'Overview').waitFor()
    await ada.click('link', 'Enrolment')
    await ada.page.getByRole('img', { name: /QR code/ }).waitFor()
    await ada.page.getByRole('link', { name: `${ada.url}/`, exact: true }).waitFor()
    await heading(ada, 'Waiting for a device').waitFor()
    const { serial } = await arrive()
    await heading(ada, `MacBook Pro ${serial} is here`).waitFor()
    await ada.page.locator('.arrival-steps', { hasText: 'Certificate issued' }).waitFor()
    expectDone(ada, 1)
    await expectAccessible(ada)
    // The page goes on asking until it is closed.
    await ada.page.unrouteAll({ behavior: 'ignoreErrors' })
  })
})

describe('task 12: what needs somebody', () => {
  it('stands on the overview, each with its remedy and the way to it', async () => {
    const ada = await visiting(NOWHERE)
    await ada.page.route('**/api/overview', (route) =>
      route.fulfill({ json: { needs_attention: [DOWN], devices: MANY } }),
    )
    await ada.page.goto('/console')
    await heading(ada, 'Needs attention (2)').waitFor()
    await ada.page.getByText('webhook hooks is down: connection lost').waitFor()
    await ada.page.getByText('Look at the receiver').waitFor()
    const links = await ada.page
      .locator('.finding a')
      .evaluateAll((all) => all.map((link) => link.getAttribute('href')))
    expect(links).toEqual(['/console/webhooks/hooks', '/console/devices?push=failing'])
    expectDone(ada, 0)
    const silent = ada.page.getByRole('link', { name: '31 silent for a week' })
    expect(await silent.getAttribute('href')).toBe('/console/devices?state=enrolled&seen=7d')
    await ada.page.getByText('macOS, other versions').waitFor()
    await expectAccessible(ada)
  })
})

describe('the overview', () => {
  it('is a checklist on an empty server, and is gone with the first device', async () => {
    const ada = await visiting(NOWHERE, { viewport: PHONE, colorScheme: 'dark' })
    let devices: object = EMPTY
    await ada.page.route('**/api/overview', (route) =>
      route.fulfill({ json: { needs_attention: [], devices } }),
    )
    await ada.page.goto('/console')
    const list = ada.page.locator('.checklist')
    await list.getByText('Apple devices refuse the profile').waitFor()
    await list.locator('li', { hasText: 'Done: Push certificate' }).waitFor()
    await list.locator('li', { hasText: 'Done: Certificate authority' }).waitFor()
    await ada.page.getByRole('img', { name: /QR code/ }).waitFor()
    await expectAccessible(ada)
    devices = { ...MANY, total: 1, by_state: { authenticated: 0, enrolled: 1, checked_out: 0 } }
    await arrive()
    await heading(ada, 'Your device').waitFor()
    expect(await list.count()).toBe(0)
  })

  it('shows the part that works when another does not, and tries again', async () => {
    const ada = await visiting(NOWHERE)
    await ada.page.clock.install()
    await ada.page.route('**/api/jobs*', (route) => route.fulfill(PROBLEM))
    await ada.page.goto('/console')
    await ada.page.getByText('The directory does not answer.').waitFor()
    await heading(ada, 'Fleet').waitFor()
    await expectAccessible(ada)
    // The list is read again each ten seconds. The time of the page stands, so that the click comes first.
    await ada.page.clock.pauseAt(Date.now() + 3_600_000)
    await ada.page.unroute('**/api/jobs*')
    await ada.click('button', 'Try again')
    await ada.page.getByText('The directory does not answer.').waitFor({ state: 'detached' })
    await ada.page.clock.resume()
  })
})

describe('the health of the server', () => {
  it('has each finding with its fix, and tries what no look shows', async () => {
    const ada = await visiting('/console/health')
    await ada.page.getByText(/\d+ checks passed/).waitFor()
    await heading(ada, 'Push certificate').waitFor()
    await ada.page.getByText('None ends within 60 days').waitFor()
    await ada.click('button', 'Try: Push')
    await ada.page.getByText(/APNs takes the certificate/).waitFor()
    await expectAccessible(ada)
  })

  it('marks the check that the overview leads to, and copies its command', async () => {
    const ada = await visiting(NOWHERE, {
      permissions: ['clipboard-write', 'clipboard-read'],
    })
    await ada.page.route('**/api/health', async (route) => {
      const answer = await route.fetch()
      const health: { checks: object[] } = await answer.json()
      const check = {
        id: 'directory',
        title: 'The directory answers',
        known: true,
        findings: [
          {
            since: null,
            level: 'error',
            text: 'migrations were not applied: 0007.sql',
            fix: 'run `wrangler d1 migrations apply DB --remote`',
          },
        ],
      }
      await route.fulfill({ json: { ...health, checks: [check, ...health.checks] } })
    })
    await ada.page.goto('/console/health?check=directory')
    await ada.page.locator('.wanted', { hasText: 'Migrations were not applied' }).waitFor()
    await ada.click('button', 'Copy command')
    await ada.page.getByRole('button', { name: 'Copied' }).waitFor()
    expect(await ada.page.evaluate(() => navigator.clipboard.readText())).toBe(
      'wrangler d1 migrations apply DB --remote',
    )
    await expectAccessible(ada)
  })
})

it('a key with the scope read sees the steps, and whom to ask for the link', async () => {
  const cleo = await visiting('/console/enrolment', { key: await readKey() })
  await cleo.page.getByText('needs the scope enroll').waitFor()
  await heading(cleo, 'Waiting for a device').waitFor()
  expect(await cleo.page.getByRole('img', { name: /QR code/ }).count()).toBe(0)
  await expectAccessible(cleo)
  await cleo.page.goto('/console/health')
  const probe = cleo.page.getByRole('button', { name: 'Try: Queue' })
  await probe.waitFor()
  expect(await probe.getAttribute('title')).toBe('Your key lacks the scope config')
})
