/** What Apple's service for device assignment sends and takes, as far as the server looks into it. */

/** The content of a server token (Apple, "Authenticating Through Web Views and Device Assignment"). */
export interface DepToken {
  readonly consumerKey: string
  readonly consumerSecret: string
  readonly accessToken: string
  readonly accessSecret: string
  /** Milliseconds. */
  readonly expiresAt: number
}

/** Values of a device record that decide something. The whole record is kept as JSON. */
export interface DepDevice {
  readonly serial_number: string
  readonly profile_uuid?: string
  readonly profile_status?: string
  readonly op_type?: string
  readonly op_date?: string
  readonly response_status?: string
  readonly [key: string]: unknown
}

export interface DepAccountDetail {
  readonly server_name?: string
  readonly server_uuid?: string
  readonly org_name?: string
  readonly [key: string]: unknown
}

/** A profile as it is defined at Apple. Keys that the server does not know reach Apple unchanged. */
export interface DepProfile {
  readonly profile_name?: string
  readonly url?: string
  readonly [key: string]: unknown
}
