import { clock } from '../../../clock.ts'
import { listPolicies } from '../../../directory/updates/policies.ts'
import { readOsVersions } from '../../../directory/updates/os-versions.ts'
import { beginOffers } from '../../../jobs/declarations/begin.ts'
import { putPolicy } from '../../../updates/put.ts'
import { deletePolicy } from '../../../updates/write.ts'
import { faultAt, RequestError } from '../../request-error.ts'
import { newRoutes } from '../new-routes.ts'
import { answer, body, DONE, operation } from '../operation.ts'
import { listOf, wholeList } from '../paging.ts'
import { policyDetail, policyJson, policyNamed } from './json.ts'
import { policyOf } from './read.ts'
import {
  POLICY_DETAIL_EXAMPLE,
  newPolicySchema,
  NO_POLICY,
  POLICY_EXAMPLE,
  POLICY_PARAMS,
  POLICY_REQUESTS,
  policyDetailSchema,
  policySchema,
} from './schema.ts'

/** Software updates: which devices are to have which version by when (docs/software-updates.md). */
export const softwareUpdateRoutes = newRoutes()

const tags = ['Software updates']
const MAX_POLICIES = 100
/** Identifiers of declarations have 64 octets, and the name is a part of them. */
const NAME = /^[a-z0-9][a-z0-9-]{0,27}$/
/** Paths below `/software-updates` that are no policies. */
const RESERVED: readonly string[] = ['versions', 'feed']
const detailAnswer = answer(
  'the policy and its progress',
  policyDetailSchema,
  POLICY_DETAIL_EXAMPLE,
)

softwareUpdateRoutes.openapi(
  operation('listSoftwareUpdates', 'get', '/software-updates', {
    tags,
    summary: 'Lists the policies by their names, without their progress',
    answers: { 200: listOf('all policies', policySchema, POLICY_EXAMPLE) },
  }),
  async (c) => c.json(wholeList((await listPolicies(c.env.DB)).map(policyJson)), 200),
)

softwareUpdateRoutes.openapi(
  operation('putSoftwareUpdate', 'put', '/software-updates/{id}', {
    tags,
    summary: 'Stores a policy whole: its devices are asked to update, or get its settings',
    description:
      'The name has up to 28 letters a to z, digits and `-`. Devices hear of it by declarations. Those ' +
      'whose OS is too old for them have the way `command`: see commandSoftwareUpdate.',
    params: POLICY_PARAMS,
    body: body(newPolicySchema, POLICY_REQUESTS),
    answers: { 200: detailAnswer, 201: detailAnswer },
    problems: { 409: `there are ${MAX_POLICIES} policies` },
  }),
  async (c) => {
    const { id: name } = c.req.valid('param')
    if (!NAME.test(name) || RESERVED.includes(name)) {
      const others = RESERVED.join(' or ')
      const detail = `has to have up to 28 letters a to z, digits and -, and cannot be ${others}`
      throw faultAt('param.id', detail, 'invalid_id')
    }
    const policy = policyOf(name, c.req.valid('json'))
    const all = await listPolicies(c.env.DB)
    if (all.length >= MAX_POLICIES && !all.some((one) => one.policy.name === name)) {
      throw new RequestError(`${MAX_POLICIES} policies exist: delete one first`, 'limit_reached')
    }
    const now = clock.now()
    const put = await putPolicy(c.env, policy, (await readOsVersions(c.env.DB)).releases, now)
    if (put.kind === 'refused') {
      throw faultAt('json.target', put.reason)
    }
    const detail = await policyDetail(c.env.DB, put.stored, now)
    return c.json(detail, put.kind === 'created' ? 201 : 200)
  },
)

softwareUpdateRoutes.openapi(
  operation('getSoftwareUpdate', 'get', '/software-updates/{id}', {
    tags,
    summary: 'A policy, and how far its devices are',
    params: POLICY_PARAMS,
    answers: { 200: detailAnswer },
    problems: NO_POLICY,
  }),
  async (c) => {
    const stored = await policyNamed(c.env.DB, c.req.valid('param').id)
    return c.json(await policyDetail(c.env.DB, stored, clock.now()), 200)
  },
)

softwareUpdateRoutes.openapi(
  operation('deleteSoftwareUpdate', 'delete', '/software-updates/{id}', {
    tags,
    summary: 'Deletes a policy: devices are not asked to update any more, and lose its settings',
    params: POLICY_PARAMS,
    answers: { 204: DONE },
    problems: NO_POLICY,
  }),
  async (c) => {
    const { policy } = await policyNamed(c.env.DB, c.req.valid('param').id)
    await deletePolicy(c.env.DB, policy, clock.now())
    await beginOffers(c.env)
    return c.body(null, 204)
  },
)
