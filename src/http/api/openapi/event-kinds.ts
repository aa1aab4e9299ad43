/** The events of each topic, for the document of the API. */
import { PROOF_NAMES } from '../../../device/store/proof.ts'
import {
  COMMAND_DEFERRED,
  COMMAND_UNSUPPORTED,
  DECLARATION_CHANGED,
  DEVICE_STATUS,
  ENROLLMENT_CONTESTED,
  ENROLLMENT_SETTLED,
  IDENTITY_CONFLICT,
  PUSH_UNREGISTERED,
  RENEWAL_NEEDED,
  WEBHOOK_TEST,
  type Topic,
} from '../../../events/topics.ts'
import { text, yes, type Kind } from './kind.ts'
import { SERVER_KINDS } from './server-kinds.ts'
import { DEP_KINDS, SETUP_KINDS } from './setup-kinds.ts'

const contested = {
  contested: yes('the enrolment is contested: the message may be another device’s'),
}
const fingerprint = text(
  'SHA-256 of the certificate that signed it: `identity_id` of reinstateIdentity',
)
const commandId = text('the command’s id in this API')
const FINGERPRINT = 'b1946ac92492d2347c6235b4d2611184b1946ac92492d2347c6235b4d2611184'
const UUID = '7d8e1c2b-3a4f-4b5c-9d6e-8f7a6b5c4d3e'
export const DEVICE = 'E0B7A5F2-6C1D-4C57-9F0B-3C5C5D7A9E01'
const COMMAND = `${DEVICE}.17`

export const EVENT_KINDS: Readonly<Record<Topic, Kind>> = {
  'mdm.Authenticate': {
    says: 'A device begins to enrol.',
    sometimes: { ...contested, renewal: yes('it renews its identity and stays enrolled') },
  },
  'mdm.TokenUpdate': {
    says: 'A device, or a user on it, is enrolled, or has new push tokens.',
    sometimes: {
      ...contested,
      token_update_tally: {
        type: 'integer',
        description:
          'the number of the TokenUpdate within the enrolment; 1 completes the enrolment',
      },
    },
    example: { tokenUpdateTally: 1 },
  },
  'mdm.CheckOut': { says: 'A device left.', sometimes: contested },
  'mdm.Connect': {
    says: 'A device requests a command (`Idle`), or reports the result of one.',
    always: {
      status: text('as the device sent it: Acknowledged, Error, CommandFormatError, NotNow, Idle'),
    },
    sometimes: {
      ...contested,
      command_uuid: text('of the command that it answers; absent for Idle'),
    },
    example: { status: 'Acknowledged', commandUUID: UUID },
  },
  'mdm.GetBootstrapToken': {
    says: 'A Mac requests its bootstrap token.',
    sometimes: contested,
  },
  'mdm.SetBootstrapToken': {
    says: 'A Mac puts its bootstrap token into escrow.',
    sometimes: contested,
  },
  'mdm.UserAuthenticate': { says: 'A user signs in on a Mac.', sometimes: contested },
  'mdm.DeclarativeManagement': {
    says: 'A device reads declarations, or reports on them.',
    sometimes: contested,
  },
  'mdm.GetToken': { says: 'A device requests a token of a service.', sometimes: contested },
  [IDENTITY_CONFLICT]: {
    says: 'The server refused a message that the certificate of an earlier enrolment signed.',
    always: { fingerprint },
    example: { fingerprint: FINGERPRINT },
  },
  [ENROLLMENT_CONTESTED]: {
    says:
      'A certificate without proof enrols with the id of an enrolled device. ' +
      'The payload is its Authenticate.',
    always: {
      fingerprint,
      contested_until: {
        type: 'string',
        format: 'date-time',
        description: 'when the new enrolment counts as proven, unless it is decided before',
      },
    },
    example: { fingerprint: FINGERPRINT, contestedUntil: Date.UTC(2026, 10, 25, 9) },
  },
  [ENROLLMENT_SETTLED]: {
    says: 'A contest is settled: after `probe`, `left` and `admin_earlier` the earlier enrolment is back.',
    always: {
      proof: { type: 'string', enum: [...PROOF_NAMES], description: 'the proof that settled it' },
    },
    example: { proof: 'probe' },
    isEmpty: true,
  },
  [PUSH_UNREGISTERED]: {
    says: 'Apple reports that the push token is dead: the device was erased, or left without a CheckOut.',
    isEmpty: true,
  },
  [COMMAND_DEFERRED]: {
    says: 'A device has answered NotNow to a command for DEFERRED_AFTER: the payload is the NotNow.',
    always: {
      status: text('NotNow'),
      command_uuid: text('of the command'),
      command_id: commandId,
      not_now_count: { type: 'integer', description: 'how often the device answered NotNow' },
    },
    example: { status: 'NotNow', commandUUID: UUID, commandId: COMMAND, notNows: 12 },
  },
  [COMMAND_UNSUPPORTED]: {
    says:
      'MicroMDM’s API queued a command that the device will refuse: its OS does not have it, or a ' +
      'declaration manages the profile.',
    always: {
      command_uuid: text('of the command'),
      command_id: commandId,
      request_type: text('of the command'),
      reasons: {
        type: 'array',
        items: { type: 'string' },
        description:
          'what the OS does not have, or which declaration manages the profile; and what to do',
      },
    },
    example: {
      commandUUID: UUID,
      commandId: COMMAND,
      requestType: 'ScheduleOSUpdate',
      lacks: ['ScheduleOSUpdate is not there from macOS 26 on: use a software update declaration'],
    },
    isEmpty: true,
  },
  [RENEWAL_NEEDED]: {
    says: 'A device needs its next identity, and the server cannot make a renewal profile for it.',
    isEmpty: true,
  },
  [DECLARATION_CHANGED]: {
    says: 'A device reports that declarations have another state.',
    always: {
      declarations: {
        type: 'array',
        description: 'the declarations with another state, up to 200',
        items: {
          type: 'object',
          properties: {
            identifier: text('of the declaration'),
            state: text('`applied`, `pending`, `failed`, `inactive` or `withheld`'),
            reason: text('Apple’s code of the reason, or empty'),
            since: {
              type: 'string',
              format: 'date-time',
              description: 'when the device reported the state',
            },
            previous_state: text('the state before; absent for a new declaration'),
          },
          required: ['identifier', 'state', 'reason', 'since'],
        },
      },
    },
    example: {
      declarations: [
        {
          identifier: 'com.example.passcode',
          state: 'failed',
          code: 'Error.ConfigurationCannotBeApplied',
          content: 'e519efb0',
          since: 1_764_147_600_000,
          before: 'pending',
        },
      ],
    },
    isEmpty: true,
  },
  [DEVICE_STATUS]: {
    says: 'A device reports that status items have another value.',
    always: {
      status_items: {
        type: 'array',
        description: 'up to 100 of them; a value of more than 4 KB is `…`',
        items: {
          type: 'object',
          properties: {
            name: text('such as `device.operating-system.version`'),
            value: { description: 'as the device reports it; `null` if it is gone' },
          },
          required: ['name', 'value'],
        },
      },
    },
    example: { items: [{ name: 'device.operating-system.version', json: '"26.2"' }] },
    isEmpty: true,
  },
  ...SETUP_KINDS,
  ...DEP_KINDS,
  ...SERVER_KINDS,
  [WEBHOOK_TEST]: { says: 'A test of the webhook, without other meaning.', isEmpty: true },
}
