/** What devices call once they are enrolled: `/mdm` and `/checkin` are where NanoMDM's profiles point. */
export const MDM_PATHS = ['/mdm/checkin', '/mdm/connect', '/mdm', '/checkin']

export const SCEP_PATH = '/scep'

export const ENROLL = '/mdm/enroll'
export const OTA = '/ota/enroll'
export const OTA_PHASE23 = '/ota/phase23'

/** What devices and their users call before they are enrolled. */
export const ENROLL_PATHS = ['/', ENROLL, OTA, OTA_PHASE23]
