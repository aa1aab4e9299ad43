import { clock } from '../../../clock.ts'
import { readOsVersions } from '../../../directory/updates/os-versions.ts'
import { chooseTargets } from '../../../updates/put.ts'
import { faultAt } from '../../request-error.ts'
import { newRoutes } from '../new-routes.ts'
import { answer, body, operation } from '../operation.ts'
import { policyDetail } from './json.ts'
import { policyOf } from './read.ts'
import {
  newPolicySchema,
  POLICY_DETAIL_EXAMPLE,
  POLICY_REQUESTS,
  policyDetailSchema,
} from './schema.ts'

/** What a policy would do, before it is stored. */
export const updatePreviewRoutes = newRoutes()

const previewSchema = policyDetailSchema
  .pick({ chosen: true, warnings: true, progress: true })
  .openapi('SoftwareUpdatePreview')
const { chosen, warnings, progress } = POLICY_DETAIL_EXAMPLE

updatePreviewRoutes.openapi(
  operation('previewSoftwareUpdate', 'post', '/software-updates/preview', {
    tags: ['Software updates'],
    summary: 'How many devices a policy would concern, and what they would install',
    description:
      'The body is that of putSoftwareUpdate. Nothing is stored, and no device hears of it.',
    body: body(newPolicySchema, POLICY_REQUESTS),
    answers: { 200: answer('what it would do', previewSchema, { chosen, warnings, progress }) },
  }),
  async (c) => {
    const policy = policyOf('', c.req.valid('json'))
    const now = clock.now()
    const { releases } = await readOsVersions(c.env.DB)
    const choice = chooseTargets(policy, undefined, releases, now)
    if (choice.kind === 'refused') {
      throw faultAt('json.target', choice.reason)
    }
    const stored = { policy, targets: choice.targets, changedAt: now }
    const detail = await policyDetail(c.env.DB, stored, now)
    return c.json(
      { chosen: detail.chosen, warnings: detail.warnings, progress: detail.progress },
      200,
    )
  },
)
