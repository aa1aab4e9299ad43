import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { cloudflareTest, readD1Migrations } from '@cloudflare/vitest-plugin'
import { defineConfig } from 'vitest/config'
import { pem } from '../src/pki/issue.ts'
import { createIssuer } from '../src/simulator/identity.ts'
import { appleDevice } from './worker/apple.ts'
import { createOutside } from './worker/outside.ts'

const ca = createIssuer({ commonName: 'Test device CA' })

export default defineConfig({
  plugins: [
    cloudflareTest(async () => {
      const outside = createOutside()
      return {
        wrangler: { configPath: join(import.meta.dirname, '../wrangler.toml') },
        miniflare: {
          bindings: {
            API_KEY: 'secret',
            SEAL_KEYS: `test:${randomBytes(32).toString('base64')}`,
            DEVICE_CA: pem('CERTIFICATE', ca.certificate.der),
            DEVICE_CA_KEY: ca.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
            WEBHOOK_URL: 'http://user:pass@receiver.test/hook',
            DM_URL: 'http://ddm.test',
            PUSH_CERTIFICATE: '',
            PUSH_TOPIC: 'com.apple.mgmt.External.test',
            PUSH_CERTIFICATE_ID: 'one',
            MAX_QUEUE: '300',
            ...appleDevice(),
            D1_MIGRATIONS: await readD1Migrations(
              join(import.meta.dirname, '../migrations/directory'),
            ),
          },
          serviceBindings: { APNS: outside.apns },
          outboundService: outside.internet,
        },
      }
    }),
  ],
  test: {
    root: import.meta.dirname,
    include: ['worker/**/*.test.ts'],
    setupFiles: ['worker/setup.ts'],
    maxWorkers: 3,
    testTimeout: 120_000,
  },
})
