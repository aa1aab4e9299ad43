/** What has to be there for the examples of the seal keys, and for their tests. */
import { runInDurableObject } from 'cloudflare:test'
import { env } from './server.ts'

/** Puts seal keys into Control, as the claim of a server does. */
export async function holdRing(ring: string): Promise<void> {
  await runInDurableObject(env.CONTROL.getByName('control'), (_, { storage }) => {
    storage.kv.put('claim', { by: 'secrets', ring, ids: [] })
  })
}

const held = async () => {
  await holdRing(env.SEAL_KEYS)
  return {}
}

export const SEALING = { listSealKeys: held, revealSealKeys: held, forgetSealKeys: held }
