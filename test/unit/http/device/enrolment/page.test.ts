import { expect, it } from 'vitest'
import { enrollPage } from '../../../../../src/http/device/enrolment/page.ts'

const ready = { kind: 'ready', url: 'https://mdm.example.com/mdm/enroll', note: 'Note.' } as const

async function shown(organization: string): Promise<string> {
  const page = await (await enrollPage(ready, organization)).text()
  return page.replaceAll(/\s+/g, ' ')
}

it('the page says which organisation will manage the device, as text', async () => {
  const page = await shown('Müller & "Söhne" <script>')
  const name = 'Müller &amp; &quot;Söhne&quot; &lt;script&gt;'
  expect(page).toContain(`<title>Enrol this device with ${name}</title>`)
  expect(page).toContain(`<h1>Enrol this device with ${name}</h1>`)
  expect(page).toContain(`to let ${name} manage this Mac, iPhone or iPad.`)
  expect(page).not.toContain('<script>')
})

it('the page says your organisation where none is set', async () => {
  const page = await shown('')
  expect(page).toContain('<title>Enrol this device</title>')
  expect(page).toContain('to let your organisation manage this Mac, iPhone or iPad.')
})
