import type { FleetGroup } from '../../../directory/devices/overview.ts'
import { findingsOf } from '../../../health/checks.ts'
import { quickFacts } from '../../../health/facts.ts'
import { type FleetCount, fleetNumbers } from '../../../health/fleet.ts'
import { findingJson } from '../../health/probes.ts'
import { newRoutes } from '../new-routes.ts'
import { answer, operation } from '../operation.ts'
import { iso, time } from '../values.ts'
import { z } from '../zod.ts'
import { PLATFORMS } from '../../../apple/platform.ts'
import { foundSchema } from './schema.ts'

/** The whole at a glance. */
export const overviewRoutes = newRoutes()

const platform = z.enum(PLATFORMS).nullable().openapi({ description: 'null if it is not known' })

const fleet = z
  .object({
    counted_at: time,
    total: z.int().openapi({ description: 'all in the list of devices' }),
    by_state: z.object({ authenticated: z.int(), enrolled: z.int(), checked_out: z.int() }),
    by_push: z
      .object({ ready: z.int(), failing: z.int(), none: z.int() })
      .openapi({ description: 'of the enrolled devices' }),
    contested: z.int().openapi({ description: 'enrolled devices whose enrolment is not proven' }),
    silent: z
      .object({ '7d': z.int(), '30d': z.int() })
      .openapi({ description: 'enrolled devices that were not seen for so long' }),
    identities_ending: z
      .object({ '14d': z.int(), '60d': z.int() })
      .openapi({ description: 'enrolled devices whose identity ends within so long' }),
    declarations_failing: z.int().openapi({
      description: 'devices and users that report that a declaration failed',
    }),
    by_platform: z.array(z.object({ platform, enrolled: z.int() })),
    by_os: z.array(z.object({ platform, version: z.string(), enrolled: z.int() })).openapi({
      description: 'the commonest, at most 24; the sum of a platform tells what is left',
    }),
  })
  .openapi('FleetNumbers')

const overview = z
  .object({
    needs_attention: z
      .array(foundSchema)
      .openapi({ description: 'as `GET /readyz` has it, the worst first' }),
    devices: fleet
      .nullable()
      .openapi({ description: 'null while the list of devices does not answer' }),
  })
  .openapi('Overview')

overviewRoutes.openapi(
  operation('getOverview', 'get', '/overview', {
    tags: ['Health'],
    summary: 'What needs somebody, and the fleet in numbers',
    description:
      'Counting reads the row of each device. A count is kept for 3 ms for each device, in the memory of ' +
      'the isolate: 30 s for 10,000 devices, 5 minutes for 100,000.',
    answers: {
      200: answer('the overview', overview, {
        needs_attention: [
          {
            id: 'webhooks',
            since: '2026-11-24T08:12:00.000Z',
            level: 'warn',
            text: 'the receiver of the webhook hooks is down: connection lost',
            fix: 'look at the receiver; its events wait for three days (docs/webhooks.md)',
            webhook_id: 'hooks',
          },
        ],
        devices: {
          counted_at: '2026-11-24T09:00:00.000Z',
          total: 1250,
          by_state: { authenticated: 1, enrolled: 1240, checked_out: 9 },
          by_push: { ready: 1236, failing: 4, none: 0 },
          contested: 0,
          silent: { '7d': 31, '30d': 4 },
          identities_ending: { '14d': 4, '60d': 55 },
          declarations_failing: 3,
          by_platform: [{ platform: 'macOS', enrolled: 1240 }],
          by_os: [{ platform: 'macOS', version: '26.6', enrolled: 640 }],
        },
      }),
    },
  }),
  async (c) => {
    const [facts, count] = await Promise.all([quickFacts(c.env, c.var.config), fleetNumbers(c.env)])
    const needs = findingsOf(facts).map(({ id, ...finding }) => ({ id, ...findingJson(finding) }))
    return c.json({ needs_attention: needs, devices: count ? fleetJson(count) : null }, 200)
  },
)

function fleetJson({ at, groups, failing: declarations }: FleetCount): z.infer<typeof fleet> {
  const platforms = groups.filter(({ version }) => version === null)
  const sum = (of: (group: FleetGroup) => number) =>
    platforms.reduce((all, group) => all + of(group), 0)
  const enrolled = sum((group) => group.enrolled)
  const [ready, failing] = [sum((group) => group.ready), sum((group) => group.failing)]
  return {
    counted_at: iso(at),
    total: sum(({ known }) => known),
    by_state: {
      authenticated: sum(({ authenticated }) => authenticated),
      enrolled,
      checked_out: sum(({ checkedOut }) => checkedOut),
    },
    by_push: { ready, failing, none: enrolled - ready - failing },
    contested: sum(({ contested }) => contested),
    silent: { '7d': sum(({ silent7d }) => silent7d), '30d': sum(({ silent30d }) => silent30d) },
    identities_ending: {
      '14d': sum(({ ending14d }) => ending14d),
      '60d': sum(({ ending60d }) => ending60d),
    },
    declarations_failing: declarations,
    by_platform: platforms
      .filter((group) => group.enrolled > 0)
      .toSorted((one, other) => other.enrolled - one.enrolled)
      .map((group) => ({ platform: platformIn(group), enrolled: group.enrolled })),
    by_os: groups.flatMap((group) =>
      group.version === null
        ? []
        : [{ platform: platformIn(group), version: group.version, enrolled: group.enrolled }],
    ),
  }
}

function platformIn({ platform: name }: FleetGroup) {
  return PLATFORMS.find((one) => one === name) ?? null
}
