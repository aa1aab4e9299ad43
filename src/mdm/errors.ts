import { OwnError } from '../reason.ts'

/** Why a device's message was refused. The device gets 400 and an empty body for each reason. */
export type ProtocolErrorCode =
  | 'malformed'
  | 'missing_ids'
  | 'bad_id'
  | 'missing_status'
  | 'missing_field'
  | 'unknown_message_type'

/** A message that breaks the protocol. The text is for the operator's log; the device does not get it. */
export class ProtocolError extends OwnError {
  readonly code: ProtocolErrorCode

  constructor(code: ProtocolErrorCode, message: string) {
    super(message)
    this.name = 'ProtocolError'
    this.code = code
  }
}
