/** The paths for enrolled devices. NanoMDM's profiles have `/mdm` and `/checkin`. */
export const MDM_PATHS = ['/mdm/checkin', '/mdm/connect', '/mdm', '/checkin']

export const SCEP_PATH = '/scep'

export const ENROLL = '/mdm/enroll'
export const OTA = '/ota/enroll'
export const OTA_PHASE23 = '/ota/phase23'

/** The paths for devices and people before an enrolment. */
export const ENROLL_PATHS = ['/', ENROLL, OTA, OTA_PHASE23]

/** NanoMDM's route for check-in messages of devices that enrolled with another server. */
export const MIGRATION = '/migration'
