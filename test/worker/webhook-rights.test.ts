import { afterEach, expect, it } from 'vitest'
import { keyWith, sendWith } from './key-tools.ts'
import { api } from './server.ts'
import { newHook, removeHooks } from './webhook-tools.ts'

afterEach(removeHooks)

it('a key without config sees the host of a receiver, and not the secret behind it', async () => {
  const hook = await newHook()
  const url = `https://${hook.host}/services/T0/SECRET?token=SECRET`
  await api('PATCH', `/api/webhooks/${hook.id}`, { url })
  const response = await sendWith(await keyWith('read'), 'GET', `/api/webhooks/${hook.id}`)
  expect(await response.json()).toMatchObject({ url: `https://${hook.host}/…` })
  const list = await sendWith(await keyWith('read'), 'GET', '/api/webhooks')
  expect(await list.text()).not.toContain('SECRET')
})

it('a receiver of unlock and bootstrap tokens is named with secrets only', async () => {
  const hook = await newHook()
  const path = `/api/webhooks/${hook.id}`
  const url = `https://${hook.host}/in`
  const config = await keyWith('config')
  const both = await keyWith('config', 'secrets')
  const made = await sendWith(config, 'POST', '/api/webhooks', { url, redact_tokens: false })
  expect(made.status).toBe(403)
  expect((await sendWith(config, 'PATCH', path, { redact_tokens: false })).status).toBe(403)
  expect((await sendWith(both, 'PATCH', path, { redact_tokens: false })).status).toBe(200)
  expect((await sendWith(config, 'PATCH', path, { url: `${url}/2` })).status).toBe(403)
  expect((await sendWith(config, 'PATCH', path, { enabled: false })).status).toBe(200)
  const back = { redact_tokens: true, url: `${url}/2` }
  expect((await sendWith(config, 'PATCH', path, back)).status).toBe(200)
})
