import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { cloudflareTest, readD1Migrations } from '@cloudflare/vitest-plugin'
import { unstable_getMiniflareWorkerOptions, unstable_readConfig } from 'wrangler'
import { lazyAssets } from '../../src/cli/build/assets.ts'
import { pem } from '../../src/pki/x509/issue.ts'
import { createIssuer } from '../../src/simulator/device/identity.ts'
import { appleDevice } from './apple.ts'
import { oneModule } from './one-module.ts'
import { createOutside } from './outside.ts'

const PROJECT = join(import.meta.dirname, '../..')
const ca = createIssuer({ commonName: 'Test device CA' })
/** Of the devices that Apple's simulated service gives profiles to. */
const simulated = createIssuer({ commonName: 'Simulated Device CA' })

// Wrangler warns of secrets that .dev.vars lacks. Here they are bindings.
process.env['WRANGLER_LOG'] ??= 'error'

/** The Worker in workerd, with what is outside it in Node. */
export const workerProject = {
  plugins: [
    oneModule(join(PROJECT, 'src')),
    cloudflareTest(async () => {
      const config = unstable_readConfig({ config: join(PROJECT, 'wrangler.toml') })
      const { workerOptions } = unstable_getMiniflareWorkerOptions({ ...config, assets: undefined })
      const outside = createOutside()
      const apple = appleDevice()
      const simulatedCa = pem('CERTIFICATE', simulated.certificate.der)
      return {
        main: join(PROJECT, 'src/index.ts'),
        miniflare: {
          ...workerOptions,
          bindings: {
            API_KEY: 'secret',
            ENROLLMENT: 'open',
            SEAL_KEYS: `test:${randomBytes(32).toString('base64')}`,
            DEVICE_CA: pem('CERTIFICATE', ca.certificate.der),
            DEVICE_CA_KEY: ca.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
            WEBHOOK_URL: 'http://user:pass@receiver.example.com/hook',
            PUSH_CERTIFICATE: '',
            PUSH_TOPIC: 'com.apple.mgmt.External.test',
            PUSH_CERTIFICATE_ID: 'one',
            MAX_QUEUE: '300',
            ...apple,
            APPLE_DEVICE_CA: apple.APPLE_DEVICE_CA + simulatedCa,
            SIMULATED_CA: simulatedCa,
            SIMULATED_CA_KEY: simulated.privateKey
              .export({ type: 'pkcs8', format: 'pem' })
              .toString(),
            D1_MIGRATIONS: await readD1Migrations(join(PROJECT, 'migrations/directory')),
          },
          r2Buckets: ['REPO'],
          serviceBindings: { APNS: outside.apns, ASSETS: lazyAssets(PROJECT) },
          outboundService: outside.internet,
        },
      }
    }),
  ],
}
