import { z } from '../zod.ts'
import { UPDATE_PLATFORMS } from '../../../ddm/updates/policy.ts'
import { clock } from '../../../clock.ts'
import { policyDevices, type PolicyDevice } from '../../../updates/devices.ts'
import { ACTOR } from '../../queue/queued-by.ts'
import { idempotencyKey, jobAnswers, KEY_REUSED, startJob } from '../jobs/start.ts'
import { planCommand } from '../jobs/bulk.ts'
import { targetFields } from '../jobs/targets.ts'
import { newRoutes } from '../new-routes.ts'
import { actor, body, operation } from '../operation.ts'
import { listOf, pageQuery, readCursor, several, writeCursor } from '../paging.ts'
import { atOrNull, textOrNull, time } from '../values.ts'
import { policyWithTarget } from './json.ts'
import { NO_POLICY, POLICY_PARAMS, updatePlatform, updateState, updateWay } from './schema.ts'

/** The devices of a policy, and commands for those that know no declared updates. */
export const updateDeviceRoutes = newRoutes()

const tags = ['Software updates']
const NO_TARGET = { ...NO_POLICY, 409: 'the policy has no target' } as const
/** How many pages of the directory one call reads for a rare state. */
const MOST_PAGES = 10

const deviceSchema = z
  .object({
    id: z.string(),
    serial_number: z.string().nullable(),
    device_name: z.string().nullable(),
    platform: updatePlatform,
    os_version: z.string().nullable(),
    build_version: z.string().nullable(),
    way: updateWay,
    state: updateState,
    reason: z.string().nullable().openapi({
      description: 'of `failed`, in Apple’s words; of `not-applied`, why',
    }),
    failures: z.int().openapi({ description: 'how often it has failed' }),
    overdue: z.boolean(),
    reported_at: time.nullable().openapi({ description: 'to three days after its last report' }),
  })
  .openapi('SoftwareUpdateDevice')

const DEVICE_EXAMPLE: z.input<typeof deviceSchema> = {
  id: '564D8A2E-1111-4222-8333-444455556666',
  serial_number: 'C02EXAMPLE',
  device_name: 'Ada’s Mac',
  platform: 'macOS',
  os_version: '26.1',
  build_version: '25B78',
  way: 'declaration',
  state: 'failed',
  reason: 'not enough space',
  failures: 2,
  overdue: false,
  reported_at: '2026-12-09T09:00:00.000Z',
}

updateDeviceRoutes.openapi(
  operation('listSoftwareUpdateDevices', 'get', '/software-updates/{id}/devices', {
    tags,
    summary: 'The devices of a policy: which way they update, and how far they are',
    description: 'A page may hold fewer devices than `limit`; `next` tells whether more may come.',
    params: POLICY_PARAMS,
    query: {
      ...pageQuery,
      way: several(updateWay, 'how they are made to update'),
      state: several(updateState, 'how far they are'),
    },
    answers: { 200: listOf('a page of devices', deviceSchema, DEVICE_EXAMPLE) },
    problems: NO_TARGET,
  }),
  async (c) => {
    const { cursor, limit, way, state } = c.req.valid('query')
    const stored = await policyWithTarget(c.env.DB, c.req.valid('param').id)
    const now = clock.now()
    const found: PolicyDevice[] = []
    let [place]: (string | undefined)[] = readCursor(cursor, /^update-device (.*)$/s) ?? ['']
    for (
      let pages = 0;
      pages < MOST_PAGES && place !== undefined && found.length <= limit;
      pages++
    ) {
      const { devices, next } = await policyDevices(c.env.DB, stored, place, now)
      const meant = devices.filter(
        ({ progress }) =>
          (way?.includes(progress.way) ?? true) && (state?.includes(progress.state) ?? true),
      )
      found.push(...meant)
      place = next
    }
    const last = found.length > limit ? found[limit - 1]?.device.id : place
    return c.json(
      {
        items: found.slice(0, limit).map(deviceJson),
        next: last === undefined ? null : writeCursor(`update-device ${last}`),
        total: null,
      },
      200,
    )
  },
)

function deviceJson({ device, progress }: PolicyDevice): z.input<typeof deviceSchema> {
  const { platform, way, state, reason, failures, overdue } = progress
  return {
    id: device.id,
    serial_number: textOrNull(device.serialNumber),
    device_name: textOrNull(device.deviceName),
    platform,
    os_version: textOrNull(device.osVersion),
    build_version: textOrNull(device.buildVersion),
    way,
    state,
    reason: textOrNull(reason),
    failures,
    overdue,
    reported_at: atOrNull(device.reportedAt),
  }
}

const commandSchema = z.strictObject({
  platform: z.enum(UPDATE_PLATFORMS).openapi({ description: 'one of the policy’s' }),
  install_action: z
    .enum([
      'Default',
      'DownloadOnly',
      'InstallASAP',
      'NotifyOnly',
      'InstallLater',
      'InstallForceRestart',
    ])
    .default('Default')
    .openapi({ description: 'Apple’s `InstallAction`; some work on macOS alone' }),
  pace: targetFields.pace,
})

updateDeviceRoutes.openapi(
  operation('commandSoftwareUpdate', 'post', '/software-updates/{id}/commands', {
    tags,
    summary: 'Sends ScheduleOSUpdate to the devices of a policy that know no declared updates',
    description:
      'Devices of the way `command` that do not have the version yet get it now: the command has no ' +
      'deadline. It becomes a job, as a command to many devices does.',
    params: POLICY_PARAMS,
    headers: { 'idempotency-key': idempotencyKey, [ACTOR]: actor },
    body: body(commandSchema, {
      default: { platform: 'macOS' },
      slow: { platform: 'macOS', install_action: 'InstallASAP', pace: 600 },
    }),
    answers: jobAnswers,
    problems: { ...NO_TARGET, 400: 'no device is meant', 422: KEY_REUSED },
  }),
  async (c) => {
    const stored = await policyWithTarget(c.env.DB, c.req.valid('param').id)
    const { platform, install_action, pace } = c.req.valid('json')
    return startJob(c, async () => {
      const ids: string[] = []
      let place: string | undefined = ''
      while (place !== undefined) {
        const page = await policyDevices(c.env.DB, stored, place, clock.now())
        const old = page.devices.filter(
          ({ progress: { way, state, platform: its } }) =>
            way === 'command' && state !== 'reached' && its === platform,
        )
        ids.push(...old.map(({ device }) => device.id))
        place = page.next
      }
      const product_version = stored.targets[platform]?.version ?? ''
      const updates = [{ product_version, install_action }]
      const command = { request_type: 'ScheduleOSUpdate', updates }
      return planCommand(c, { ids, command, force: false, pace })
    })
  },
)
