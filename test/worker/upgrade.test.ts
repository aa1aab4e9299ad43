import { runInDurableObject } from 'cloudflare:test'
import { expect, it } from 'vitest'
import { loadState } from '../../src/device/store/rows/save.ts'
import { sqlite } from '../../src/storage/db.ts'
import { VERSION_3 } from '../unit/device/store/version-3.ts'
import { env } from './server.ts'

it('the rows of the version before move within the limits of an object’s SQLite', async () => {
  const device = env.DEVICE.getByName(crypto.randomUUID())
  await runInDurableObject(device, (_, { storage }) => {
    for (const statement of VERSION_3) {
      storage.sql.exec(statement)
    }
    for (const loaded of ['moved', 'loaded again']) {
      const { state } = storage.transactionSync(() => loadState(sqlite(storage.sql), 'UDID-1'))
      expect({ loaded, ...state }).toMatchObject({
        device: { epoch: 2, facts: { SerialNumber: 'C0' } },
        channels: [{ token: new Uint8Array([1, 2, 255]) }, { user: 'ADA' }],
        identities: [{ fingerprint: 'f1' }, { fingerprint: 'f2' }],
      })
    }
  })
})
