/** Answers to the commands of Setup Assistant. */
import type { PlistDict } from '../../../plist/value.ts'
import { type AnswerContext, type Behaviour, errorReport } from './context.ts'

export const SETUP_BEHAVIOURS: readonly (readonly [requestType: string, Behaviour])[] = [
  ['AccountConfiguration', configureAccounts],
  ['DeviceConfigured', leaveSetup],
  ['SetAutoAdminPassword', setPassword],
]

/** The words of Macs that were released before the command came. */
function notAwaiting(): PlistDict {
  return errorReport('MDMDeviceEnrollment', 101, 'Device is not AwaitingConfiguration')
}

function configureAccounts(command: PlistDict, { setup }: AnswerContext): PlistDict {
  if (setup.memory().phase !== 'awaiting') {
    return notAwaiting()
  }
  const fault = setup.configureAccounts(command)
  return fault === undefined
    ? { Status: 'Acknowledged' }
    : errorReport('MDMDeviceEnrollment', 102, fault)
}

function leaveSetup(_command: PlistDict, { setup }: AnswerContext): PlistDict {
  if (setup.memory().phase !== 'awaiting') {
    return notAwaiting()
  }
  setup.release()
  return { Status: 'Acknowledged' }
}

function setPassword(command: PlistDict, { setup }: AnswerContext): PlistDict {
  const fault = setup.setPassword(command)
  return fault === undefined
    ? { Status: 'Acknowledged' }
    : errorReport('MCMDMErrorDomain', 12_021, fault)
}
