import { z } from '../zod.ts'
import { lacksOf } from '../../../apple/support.ts'
import { groupTargets } from '../../../directory/devices/targets.ts'
import { commandNeeds } from '../../queue/command-needs.ts'
import { answer, body, operation } from '../operation.ts'
import { newRoutes } from '../new-routes.ts'
import { textOrNull } from '../values.ts'
import { platformWord } from '../words.ts'
import { bulkFields, confirmation, readBulkCommand } from './bulk.ts'
import { countTargets, isNamedOnce, NAMED_ONCE } from './targets.ts'

/** The devices that a bulk command would go to. */
export const bulkPreviewRoutes = newRoutes()

/** How many bad ids the answer names. */
const MOST_FAULTS = 20

const wantedSchema = z
  .strictObject({ ...bulkFields, command: bulkFields.command.optional() })
  .refine(isNamedOnce, NAMED_ONCE)

const previewSchema = z
  .object({
    total: z.int().openapi({ description: 'how many devices and users the command would go to' }),
    failed: z.int().openapi({ description: 'how many ids lead nowhere' }),
    faults: z
      .array(z.object({ id: z.string(), error: z.string() }))
      .openapi({ description: `up to ${MOST_FAULTS} of those ids` }),
    unlisted: z.int().openapi({
      description: 'how many of the total are no listed device: users, and ids that never enrolled',
    }),
    groups: z
      .array(
        z.object({
          platform: platformWord.nullable(),
          os_version: z.string().nullable(),
          devices: z.int(),
          lacks: z.array(z.string()).openapi({
            description: 'why these devices would be left out; empty if they fit, and with `force`',
          }),
        }),
      )
      .openapi({
        description: 'the listed devices by platform and OS, the 200 largest groups, largest first',
      }),
    confirm: confirmation
      .nullable()
      .openapi({ description: 'what a destructive command has to send along' }),
  })
  .openapi('BulkPreview')

bulkPreviewRoutes.openapi(
  operation('previewCommands', 'post', '/commands/preview', {
    tags: ['Bulk'],
    summary: 'Counts the devices that a bulk command would go to, and those that lack it',
    description:
      'The body is that of `POST /api/commands`; `command` may be missing. Nothing is queued.',
    body: body(wantedSchema, {
      filter: { filter: { platform: ['macOS'], os_version: '15' } },
      command: { all: true, command: { request_type: 'ProfileList' } },
    }),
    answers: {
      200: answer('the devices that are meant', previewSchema, {
        total: 391,
        failed: 0,
        faults: [],
        unlisted: 0,
        groups: [{ platform: 'macOS', os_version: '15.1', devices: 391, lacks: [] }],
        confirm: null,
      }),
    },
    problems: { 409: 'a destructive command to `all`' },
  }),
  async (c) => {
    const wanted = c.req.valid('json')
    const read = wanted.command && readBulkCommand(wanted.command, wanted)
    const { ids, faults } = await countTargets(c.env.DB, wanted)
    const meant = ids.filter((_, place) => !faults.has(place))
    const names = read && !wanted.force ? commandNeeds(read.command, 'refuse').names : []
    const found = await groupTargets(c.env.DB, meant)
    const groups = found.groups.map(({ platform, product, osVersion, devices }) => ({
      platform: platform ?? null,
      os_version: textOrNull(osVersion),
      devices,
      lacks: [...lacksOf(names, { productName: product, osVersion })],
    }))
    return c.json(
      {
        total: meant.length,
        failed: faults.size,
        faults: [...faults]
          .slice(0, MOST_FAULTS)
          .map(([place, error]) => ({ id: ids[place] ?? '', error })),
        unlisted: meant.length - found.listed,
        groups,
        confirm: read?.losing
          ? { request_type: read.command.requestType, count: meant.length }
          : null,
      },
      200,
    )
  },
)
