import { z } from '../zod.ts'
import type { SetupCandidate } from '../../../blueprints/select.ts'
import { subjectOf } from '../../../blueprints/steps.ts'
import { listingOf } from '../../../directory/devices/serials.ts'
import type { Env } from '../../../env.ts'
import { NO_FACTS } from '../../../mdm/message.ts'
import { candidateOf } from '../../../setup/candidate.ts'
import { termsOf } from '../../../setup/plan-for.ts'
import { previewSetup } from '../../../setup/preview.ts'
import { faultAt } from '../../request-error.ts'
import { deviceItself, idText } from '../device-id.ts'
import { newRoutes } from '../new-routes.ts'
import { answer, operation } from '../operation.ts'
import { commaList } from '../paging.ts'
import { flag, textOrNull } from '../values.ts'
import { platformWord } from '../words.ts'
import { BLUEPRINT_EXAMPLE_ID } from './schema.ts'

/** What a device would get, before it enrols. */
export const blueprintPreviewRoutes = newRoutes()

const left = { reason: z.string().nullable().openapi({ description: 'why it is left out' }) }
const previewSchema = z
  .object({
    blueprints: z
      .array(z.object({ id: z.string(), name: z.string(), applies: z.boolean(), ...left }))
      .openapi({ description: 'all blueprints, in the order of their steps' }),
    steps: z
      .array(
        z.object({
          blueprint: z.string(),
          kind: z.string(),
          subject: z.string().nullable(),
          applies: z.boolean(),
          ...left,
        }),
      )
      .openapi({ description: 'the steps of the blueprints that apply, in their order' }),
    time_limit_s: z.int().nullable(),
    release: z.string().nullable().openapi({ description: 'null if no blueprint applies' }),
  })
  .openapi('BlueprintPreview')

const STEP = { kind: 'profile', subject: 'com.example.trust' }
const APPLIES = { applies: true, reason: null }
const EXAMPLE: z.input<typeof previewSchema> = {
  blueprints: [{ id: BLUEPRINT_EXAMPLE_ID, name: 'All devices', ...APPLIES }],
  steps: [{ blueprint: 'All devices', ...STEP, ...APPLIES }],
  time_limit_s: 900,
  release: 'always',
}

const query = {
  device_id: idText.optional().openapi({ description: 'the id of a device that is known here' }),
  serial_number: z.string().optional().openapi({
    description: 'or a serial number: it counts as proven, and the account of Apple as known',
    example: 'C02EXAMPLE',
  }),
  platform: platformWord.optional().openapi({ description: 'in place of the one that is known' }),
  os_version: z.string().optional().openapi({ description: 'in place of the one that is known' }),
  model: z.string().optional().openapi({ description: 'in place of the one that is known' }),
  param: commaList(z.string(), 'parameters of the link, as `bp=staff`'),
  awaiting: flag.default(true).openapi({ description: 'the device waits in Setup Assistant' }),
  first: flag.default(true).openapi({ description: 'the device never enrolled here before' }),
}

blueprintPreviewRoutes.openapi(
  operation('previewBlueprints', 'get', '/blueprints/preview', {
    tags: ['Blueprints'],
    summary: 'The blueprints and steps that a device would get, and why not the others',
    query,
    answers: {
      200: answer('what it would get', previewSchema, EXAMPLE),
    },
    problems: { 404: 'no device has this id' },
  }),
  async (c) => {
    const { awaiting, first: isFirst, ...asked } = c.req.valid('query')
    const device = await candidateIn(c.env, asked)
    const { blueprints, steps } = await previewSetup(c.env.DB, device, { awaiting, isFirst })
    const chosen = blueprints.filter(({ fault }) => fault === undefined)
    const terms = chosen.length > 0 && termsOf(chosen.map(({ blueprint }) => blueprint))
    return c.json(
      {
        blueprints: blueprints.map(({ blueprint: { uuid: id, name }, fault }) => ({
          id,
          name,
          ...standing(fault),
        })),
        steps: steps.map(({ blueprint: { name }, step, fault }) => ({
          blueprint: name,
          kind: step.do,
          subject: textOrNull(subjectOf(step)),
          ...standing(fault),
        })),
        time_limit_s: terms ? terms.timeLimitMs / 1000 : null,
        release: terms ? terms.release : null,
      },
      200,
    )
  },
)

function standing(fault: string | undefined) {
  return { applies: fault === undefined, reason: fault ?? null }
}

/** The parts of the query that say which device. */
interface Asked {
  readonly device_id?: string | undefined
  readonly serial_number?: string | undefined
  readonly platform?: string | undefined
  readonly os_version?: string | undefined
  readonly model?: string | undefined
  readonly param?: readonly string[] | undefined
}

/** @throws RequestError for an unknown device, for two devices, and for no parameter */
async function candidateIn(env: Env, asked: Asked): Promise<SetupCandidate> {
  const { device_id: id, serial_number: serial, param = [] } = asked
  if ((id === undefined) === (serial === undefined)) {
    throw faultAt('query.device_id', 'send `device_id` or `serial_number`, and not both')
  }
  const params = Object.fromEntries(
    param.map((text) => {
      const [, name, value] = /^([^=]+)=(.*)$/s.exec(text) ?? []
      if (name === undefined || value === undefined) {
        throw faultAt('query.param', `${text} has to have a name and a value, as bp=staff`)
      }
      return [name, value]
    }),
  )
  const known = await candidateOf(env.DB, { ...(await claimsOfDevice(env, asked)), params })
  const { platform = known.platform, os_version: osVersion = known.osVersion, model } = asked
  return { ...known, platform, osVersion, models: model === undefined ? known.models : [model] }
}

async function claimsOfDevice(env: Env, { device_id: id, serial_number: serial = '' }: Asked) {
  if (id === undefined) {
    return { serial, serialProven: true, facts: NO_FACTS }
  }
  const [{ facts }, { serialProven }] = await Promise.all([
    deviceItself(env, id),
    listingOf(env.DB, id),
  ])
  return { serial: facts.SerialNumber, serialProven, facts }
}
