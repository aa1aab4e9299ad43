import { api, enrolled } from './server.ts'

/** Policies for an old Mac, and a list of versions by which the newest one is found. */
async function updating() {
  await enrolled({ osVersion: '13.6' })
  const versions = ['macOS', 'iOS', 'iPadOS'].map((platform) => {
    return { platform, version: '26.1', released: '2026-01-01' }
  })
  await api('PUT', '/api/software-updates/versions', { versions })
  const policy = { target: { version: '26.2' }, deadline: { local: '2026-12-10T19:00:00' } }
  await api('PUT', '/api/software-updates/macs', { platforms: ['macOS'], ...policy })
  return { ids: { id: 'macs' } }
}

/** What the operations of software updates need before a test sends their examples. */
export const UPDATES = {
  listSoftwareUpdates: updating,
  putSoftwareUpdate: updating,
  previewSoftwareUpdate: updating,
  getSoftwareUpdate: updating,
  deleteSoftwareUpdate: updating,
  listSoftwareUpdateDevices: updating,
  commandSoftwareUpdate: updating,
  getOsVersions: updating,
  putOsVersions: async () => ({}),
  putOsVersionsFeed: async () => ({}),
}
