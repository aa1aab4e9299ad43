import { lacksOf, needsOf } from '../../../apple/support.ts'
import { QUERIES } from '../../../apple/schema.ts'
import { buildAppleCommand } from '../../../commands/apple.ts'
import type { CommandView } from '../../../device/queue/lookup.ts'
import { NO_TERMS } from '../../../device/store/commands/new-command.ts'
import type { DevicePage } from '../../../device/views/device.ts'
import type { Env } from '../../../env.ts'
import { PENDING_STATES } from '../../../mdm/queue.ts'
import { queuedBy, ACTOR } from '../../queue/queued-by.ts'
import { enqueueSeveral } from '../../queue/queue-command.ts'
import { RequestError } from '../../request-error.ts'
import { commandJson } from '../commands/json.ts'
import { COMMAND_EXAMPLE, commandSummary } from '../commands/schema.ts'
import { atEnrollment, deviceItself } from '../device-id.ts'
import { actor, DEVICE_PARAMS, NO_DEVICE, operation } from '../operation.ts'
import { listOf, wholeList } from '../paging.ts'
import { newRoutes } from '../new-routes.ts'

/** Asking a device for all that its page shows. */
export const refreshRoutes = newRoutes()

const TYPES = [
  'DeviceInformation',
  'SecurityInfo',
  'ProfileList',
  'CertificateList',
  'InstalledApplicationList',
]
/** Apple's servers limit attestations. */
const NOT_ASKED = 'DevicePropertiesAttestation'

refreshRoutes.openapi(
  operation('refreshDevice', 'post', '/devices/{id}/refresh', {
    tags: ['Devices'],
    summary: 'Asks the device for its inventory',
    description:
      'Queues `DeviceInformation` with all queries that the OS of the device has, `SecurityInfo`, ' +
      '`ProfileList`, `CertificateList` and `InstalledApplicationList`: those that the OS has, and that do ' +
      'not wait already.',
    params: DEVICE_PARAMS,
    headers: { [ACTOR]: actor },
    answers: {
      202: listOf('the commands that wait now', commandSummary, {
        ...COMMAND_EXAMPLE,
        state: 'queued',
      }),
    },
    problems: { ...NO_DEVICE, 409: 'the device is not enrolled' },
  }),
  async (c) => {
    const device = await deviceItself(c.env, c.req.valid('param').id)
    const { id, state } = device
    if (state !== 'enrolled') {
      throw new RequestError(
        `${id} is ${state.replace('_', ' ')}: only an enrolled device answers`,
        'not_enrolled',
      )
    }
    const before = await newestOfTypes(c.env, id)
    const by = queuedBy(c, 'api')
    const due = queriesOf(device).flatMap((command) => {
      const known = before.filter(({ requestType }) => requestType === command.requestType)
      // A call at the same time has the same newest command, and so the same key: the object queues one.
      const requestKey = `refresh ${command.requestType} after ${known[0]?.id ?? 'none'}`
      const terms = { ...NO_TERMS, requestKey }
      return known.some(isWaiting) ? [] : [{ ...command, terms, by }]
    })
    await enqueueSeveral(c, id, due)
    const after = await newestOfTypes(c.env, id)
    return c.json(wholeList(after.filter(isWaiting).map(commandJson)), 202)
  },
)

/** How many commands of a type are looked at. */
const NEWEST = 10

/**
 * The newest commands of each type. Each type has its own call: an object with the code of an earlier
 * release knows no list of types.
 */
async function newestOfTypes(env: Env, id: string): Promise<readonly CommandView[]> {
  const filter = { before: undefined, limit: NEWEST, states: [] }
  const lists = await Promise.all(
    TYPES.map((requestType) =>
      atEnrollment(env, id, (stub, address) =>
        stub.listCommands(address, { ...filter, requestType }),
      ),
    ),
  )
  return lists.flatMap(({ commands }) => commands)
}

function isWaiting({ state }: CommandView): boolean {
  return PENDING_STATES.some((pending) => pending === state)
}

/** The queries that the device's OS has. */
function queriesOf({ facts }: DevicePage) {
  const os = { productName: facts.ProductName || facts.Model, osVersion: facts.OSVersion }
  const has = (type: string, Queries: string[] = []) =>
    lacksOf(needsOf(type, { RequestType: type, Queries }), os).length === 0
  const Queries = Object.keys(QUERIES).filter(
    (query) => query !== NOT_ASKED && has('DeviceInformation', [query]),
  )
  return TYPES.filter((type) => has(type)).flatMap((RequestType) => {
    const more = RequestType === 'DeviceInformation' ? { Queries } : {}
    const built = buildAppleCommand({ Command: { RequestType, ...more } }, () =>
      crypto.randomUUID(),
    )
    if (!built.ok) {
      return []
    }
    const { commandUUID: uuid, requestType, payload, secret, source } = built
    return [{ uuid, requestType, payload, secret, source }]
  })
}
