/** The paths for enrolled devices. NanoMDM's profiles have `/mdm` and `/checkin`. */
export const MDM_PATHS = ['/mdm/checkin', '/mdm/connect', '/mdm', '/checkin']

export const SCEP_PATH = '/scep'

export const ENROLL = '/mdm/enroll'
export const OTA = '/ota/enroll'
export const OTA_PHASE23 = '/ota/phase23'

/** The paths for devices and people before an enrolment. */
export const ENROLL_PATHS = ['/', ENROLL, OTA, OTA_PHASE23]

/** For monitors: that the isolate runs, and whether the server can do its work. */
export const HEALTHZ = '/healthz'
export const READYZ = '/readyz'

/** NanoMDM's route for check-in messages of devices that enrolled with another server. */
export const MIGRATION = '/migration'

/** NanoHUB's place for KMFDDM's API. */
export const NANOHUB = '/api/v1/ddm'

/** What KMFDDM has for admins below `/v1`, and for device management servers below `/`. */
const KMFDDM_V1 = [
  'declarations',
  'sets',
  'set-declarations',
  'declaration-sets',
  'enrollment-sets',
  'enrollment-sets-all',
  'notify',
  'declaration-status',
  'status-errors',
  'status-values',
  'status-report',
]
const KMFDDM_SERVERS = ['tokens', 'declaration-items', 'declaration', 'status']

/** Each path of KMFDDM's API is one of these, or below one. */
export const KMFDDM_ROOTS: readonly string[] = [
  NANOHUB,
  ...KMFDDM_V1.map((name) => `/v1/${name}`),
  ...KMFDDM_SERVERS.map((name) => `/${name}`),
]

export function isKmfddmPath(path: string): boolean {
  return KMFDDM_ROOTS.some((root) => path === root || path.startsWith(`${root}/`))
}
