/** The events of the setup of devices and of Automated Device Enrollment. */
import type { DepNews } from '../../../events/event.ts'
import type { DepTopic, SetupTopic } from '../../../events/topics.ts'
import { text, type Kind, type Schema } from './kind.ts'

const step: Schema = {
  type: 'object',
  properties: {
    do: text('what it does: `profile`, `package`, `account` and so on'),
    subject: text('what it is about: an identifier, an address, a request type'),
    state: text('`waiting`, `sent`, `watched`, `done`, `skipped`, `failed` or `timed_out`'),
    note: text('why it has not succeeded'),
  },
  required: ['do', 'subject', 'state'],
}

const setup: Schema = {
  type: 'object',
  description: 'the run; GET /api/devices/{id}/setup shows all of it',
  properties: {
    run: { type: 'integer', description: 'its number within the device' },
    state: text('`running`, `held`, `releasing`, `released`, `finished` or `none`'),
    blueprints: {
      type: 'array',
      items: text('a name'),
      description: 'the names of its blueprints',
    },
    steps: { type: 'array', items: step, description: 'all; of `setup.step` the one that ended' },
    error: text('what the device answered to DeviceConfigured, if it was an error'),
  },
  required: ['run', 'state', 'blueprints', 'steps'],
}

function kindOf(says: string, state: string): Kind {
  return {
    says,
    always: { setup },
    example: {
      setup: {
        run: 1,
        state,
        blueprints: ['Staff Mac'],
        steps: [{ kind: 'profile', subject: 'com.example.trust', state: 'done', note: '' }],
      },
    },
    isEmpty: true,
  }
}

export const SETUP_KINDS: Readonly<Record<SetupTopic, Kind>> = {
  'setup.started': kindOf('The setup of a device begins.', 'running'),
  'setup.step': kindOf('A step of the setup failed, or did not end in time.', 'running'),
  'setup.held': kindOf('All steps are over, and an admin has to release the device.', 'held'),
  'setup.timed_out': kindOf(
    'The time limit of the setup is over: the device is released.',
    'running',
  ),
  'setup.released': kindOf('The device has left Setup Assistant.', 'released'),
  'setup.finished': kindOf('The setup of a device that did not wait is over.', 'finished'),
  'setup.none': kindOf('A device waits in Setup Assistant, and no blueprint is for it.', 'none'),
}

function depKind(says: string, facts: Omit<DepNews, 'account'>): Kind {
  return { says, example: { dep: { account: '5f2c8a1b7d3e9046', ...facts } }, isEmpty: true }
}

const SERIAL = 'C02XK0AAJGH5'
const PROFILE = '88fc4e378fea4021a94b2d7268fbf767'

export const DEP_KINDS: Readonly<Record<DepTopic, Kind>> = {
  'dep.device': depKind('Devices came to an account, changed there, or left it.', {
    added: [SERIAL],
    changed: [],
    removed: [],
    full: false,
  }),
  'dep.assigned': depKind('Devices have a profile now.', { profile: PROFILE, devices: [SERIAL] }),
  'dep.failed': depKind('Apple did not assign a profile. The server tries again.', {
    profile: PROFILE,
    devices: { [SERIAL]: 'FAILED' },
  }),
  'dep.account': depKind('An account needs an admin, or works again.', {
    flag: 'terms',
    before: '',
  }),
}
