import { apple, connected, synced, tokenFile } from './abm-tools.ts'
import { turn } from './clock.ts'
import { api } from './server.ts'

const SERIALS = ['C02ADE000001', 'C02ADE000002']

/** An account with devices and a profile, all as the examples name them. */
async function inAbm() {
  const id = await connected()
  turn(1000)
  SERIALS.forEach((serial_number) => apple.add({ serial_number }))
  await synced()
  const profile = { url: 'https://mdm.example.com/mdm/enroll' }
  await api('PUT', '/api/dep/profiles/macs', { profile })
  // An account assigns once in a second.
  turn(1000)
  return { ids: { id, account: id } }
}

const withDevice = async () => ({ ids: { ...(await inAbm()).ids, id: SERIALS[0] ?? '' } })
const withProfile = async () => ({ ids: { ...(await inAbm()).ids, id: 'macs' } })
const ofNewest = async () => {
  await inAbm()
  return {}
}

async function removable() {
  const { id } = (await inAbm()).ids
  return { ids: { id, confirm: id } }
}

/** What the operations of Apple Business Manager need before a test sends their examples. */
export const DEP = {
  createDepKey: async () => ({}),
  importDepToken: async () => ({ body: { p7m_content: await tokenFile() } }),
  listDepAccounts: inAbm,
  getDepAccount: inAbm,
  syncDepAccount: inAbm,
  confirmDepAccount: inAbm,
  removeDepAccount: removable,
  getDepRules: inAbm,
  putDepRules: inAbm,
  listDepProfiles: inAbm,
  getDepProfile: withProfile,
  putDepProfile: withProfile,
  assignDepProfile: ofNewest,
  unassignDepProfile: ofNewest,
  disownDepDevices: ofNewest,
  lockDepDevice: withDevice,
  listDepDevices: inAbm,
  getDepDevice: withDevice,
}
