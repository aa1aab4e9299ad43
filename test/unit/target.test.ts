import { expect, it } from 'vitest'
import { refuseTarget } from '../../src/events/target.ts'

it.each([
  'http://localhost:9999/hook',
  'http://hook.localhost/',
  'http://LOCALHOST./',
  'http://localhost../',
  'http://127.0.0.1../',
  'http://receiver/',
  'http://mac-mini.local/',
  'http://metadata.google.internal/',
  'http://127.0.0.1/',
  'http://127.1/',
  'http://0x7f000001/',
  'http://2130706433/',
  'http://0.0.0.0/',
  'http://10.1.2.3/',
  'http://100.64.0.1/',
  'http://169.254.169.254/latest/meta-data',
  'http://172.31.255.255/',
  'http://192.168.0.1/',
  'http://224.0.0.1/',
  'http://[::1]/',
  'http://[::]/',
  'http://[fe80::1]/',
  'http://[fd00::1]/',
  'http://[::ffff:127.0.0.1]/',
  'http://[64:ff9b::10.0.0.1]/',
  'http://[2002:7f00:1::]/',
])('a webhook URL on %s is refused, and the text says what to do', (url) => {
  expect(refuseTarget(url)).toMatch(/cloudflared.*ALLOW_PRIVATE_WEBHOOKS/)
})

it.each([
  'https://example.com/hook',
  'https://localhost.example.com/',
  'http://8.8.8.8/',
  'http://172.32.0.1/',
  'http://100.128.0.1/',
  'http://[2606:4700::1111]/',
  'http://[64:ff9b::8.8.8.8]/',
])('a webhook URL on %s may be posted to', (url) => {
  expect(refuseTarget(url)).toBeUndefined()
})
