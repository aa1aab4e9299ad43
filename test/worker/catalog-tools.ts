import { put, setAt, TYPE, versioned } from './declaration-api.ts'
import { api } from './server.ts'

async function inCatalog() {
  return { ids: { id: (await versioned()).id } }
}

async function inRollout() {
  const { ids } = await inCatalog()
  await put(ids.id, { type: TYPE, payload: { MinimumLength: 14 }, rollout: {} })
  return { ids }
}

async function inSet() {
  const { id, set } = await versioned()
  return { ids: { id: set, declaration_id: id } }
}

/** With the names that the examples of bodies have. */
async function named() {
  await api('PUT', setAt('all-macs'), {})
  await put('com.example.passcode', { type: TYPE, payload: {} })
  return { ids: (await inSet()).ids }
}

async function ofDeclarations() {
  const { udid, set } = await versioned()
  return { ids: { id: udid, set_id: set } }
}

/** What the operations of declarations and sets need before a test sends their examples. */
export const CATALOG = {
  listDeclarations: inCatalog,
  getDeclaration: inCatalog,
  putDeclaration: async () => ({ ids: { id: (await named()).ids.declaration_id } }),
  deleteDeclaration: async () => {
    const { id } = await versioned()
    await put(id, { type: TYPE, payload: {}, sets: [] })
    return { ids: { id } }
  },
  touchDeclaration: inCatalog,
  notifyDevices: inCatalog,
  listDeclarationVersions: inCatalog,
  restoreDeclaration: inCatalog,
  getRollout: inRollout,
  stopRollout: inRollout,
  finishRollout: inRollout,
  listStatesOfDeclaration: inCatalog,
  listDeclarationStates: inCatalog,
  listDeclarationFailures: inCatalog,
  listDeclarationTypes: inCatalog,
  getDeviceDeclarations: ofDeclarations,
  resendDeclarations: ofDeclarations,
  syncDeclarations: ofDeclarations,
  getDeviceStatus: ofDeclarations,
  getStatusReport: async () => ({ ids: { ...(await ofDeclarations()).ids, report_id: '1' } }),
  getDeviceSets: ofDeclarations,
  addDeviceToSet: ofDeclarations,
  removeDeviceFromSet: ofDeclarations,
  listSets: inSet,
  getSet: inSet,
  putSet: named,
  deleteSet: inSet,
  addDeclarationToSet: inSet,
  removeDeclarationFromSet: inSet,
  listSetMembers: inSet,
  addSetMembers: inSet,
  removeSetMembers: inSet,
}
