import { describe, expect, it } from 'vitest'
import { readConfig, type WebhookSettings } from '../../src/config.ts'

function webhookOf(url: string): WebhookSettings | undefined {
  const result = readConfig({
    API_KEY: 'secret',
    SEAL_KEYS: `k:${btoa('k'.repeat(32))}`,
    WEBHOOK_URL: url,
  })
  if (!result.ok) {
    throw new Error(result.problems.join('\n'))
  }
  return result.config.webhooks[0]
}

describe('WEBHOOK_URL', () => {
  it('gives its user and password, decoded, to Basic auth and keeps them out of the URL', () => {
    expect(webhookOf('http://ü%40b:p%3Ass@receiver.test/hook?x=1')).toMatchObject({
      url: 'http://receiver.test/hook?x=1',
      authorization: `Basic ${Buffer.from('ü@b:p:ss').toString('base64')}`,
    })
    expect(webhookOf('https://receiver.test')).toMatchObject({ authorization: '' })
  })

  it('with a stray % in its credentials is a problem of the configuration', () => {
    expect(() => webhookOf('http://a%zz:b@receiver.test')).toThrow('WEBHOOK_URL: a % in its user')
  })
})
