import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { cloudflareTest, readD1Migrations } from '@cloudflare/vitest-plugin'
import { unstable_getMiniflareWorkerOptions, unstable_readConfig } from 'wrangler'
import { lazyAssets } from '../../src/cli/build/assets.ts'
import { pem } from '../../src/pki/x509/issue.ts'
import { createIssuer } from '../../src/simulator/device/identity.ts'
import { appleDevice } from './apple.ts'
import { ALL, oneModule } from './one-module.ts'
import { createOutside } from './outside.ts'

const PROJECT = join(import.meta.dirname, '../..')
const ca = createIssuer({ commonName: 'Test device CA' })
/** Of the devices that Apple's simulated service gives profiles to. */
const simulated = createIssuer({ commonName: 'Simulated Device CA' })

// Wrangler warns of secrets that .dev.vars lacks. Here they are bindings.
process.env['WRANGLER_LOG'] ??= 'error'

/**
 * The plugin asks for its options before each file of tests. This part of them takes longer than most tests, and
 * no test changes it.
 */
async function share() {
  const config = unstable_readConfig({ config: join(PROJECT, 'wrangler.toml') })
  const { workerOptions } = unstable_getMiniflareWorkerOptions({ ...config, assets: undefined })
  const apple = appleDevice()
  const simulatedCa = pem('CERTIFICATE', simulated.certificate.der)
  const bindings = {
    API_KEY: 'test-key',
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
    SIMULATED_CA_KEY: simulated.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    D1_MIGRATIONS: await readD1Migrations(join(PROJECT, 'migrations/directory')),
  }
  return { workerOptions, bindings, assets: lazyAssets(PROJECT) }
}
let shared: ReturnType<typeof share> | undefined

/** The Worker in workerd, with what is outside it in Node. */
export const workerProject = {
  plugins: [
    oneModule(join(PROJECT, 'src')),
    cloudflareTest(async () => {
      const { workerOptions, bindings, assets } = await (shared ??= share())
      const outside = createOutside()
      return {
        main: join(PROJECT, 'src/index.ts'),
        miniflare: {
          ...workerOptions,
          modulesRules: [{ type: 'ESModule', include: [`**/${ALL}`] }],
          bindings,
          r2Buckets: ['REPO'],
          serviceBindings: { APNS: outside.apns, ASSETS: assets },
          outboundService: outside.internet,
        },
      }
    }),
  ],
}
