import { z } from '../zod.ts'
import { CONTROL_NAME } from '../../../figures/report.ts'
import { warn } from '../../../log.ts'
import { RING_PURPOSE, writeLetter } from '../../../pki/seal/handover.ts'
import { SealError } from '../../../pki/seal/seal.ts'
import { encodeBase64 } from '../../../plist/base64.ts'
import { noteAudit } from '../../access/audited.ts'
import type { AppContext } from '../../app-env.ts'
import { RequestError } from '../../request-error.ts'
import { reader, readerOf, WHY } from '../commands/secrets.ts'
import { answer, body, DONE, operation } from '../operation.ts'
import { newRoutes } from '../new-routes.ts'
import { listOf, wholeList } from '../paging.ts'

/** The seal keys of a claimed server, until they are secrets of its Worker: docs/keys.md. */
export const sealKeyRoutes = newRoutes()

const tags = ['Keys']
const ID = '3f0a1c5e'

const sealKey = z
  .object({
    id: z.string().openapi({ description: 'the id that each value has which the key sealed' }),
    place: z.enum(['secret', 'control']).openapi({
      description: '`secret`: a secret of the Worker; `control`: in the object Control alone',
    }),
    in_control: z.boolean().openapi({ description: 'whether Control holds it' }),
  })
  .openapi('SealKey')

sealKeyRoutes.openapi(
  operation('listSealKeys', 'get', '/seal-keys', {
    tags,
    summary:
      'Lists the seal keys, the newest first, and where each one lies; not the keys themselves',
    answers: {
      200: listOf('all seal keys', sealKey, { id: ID, place: 'control', in_control: true }),
    },
  }),
  async (c) => {
    const { ids } = await controlOf(c).ringCopy()
    const known = c.var.config.sealKeys
    // What Control has and this isolate has not read yet.
    const more = ids
      .filter((id) => known.every((key) => key.id !== id))
      .map((id) => ({ id, place: 'control' as const }))
    const items = [...known, ...more].map((key) => ({ ...key, in_control: ids.includes(key.id) }))
    return c.json(wholeList(items), 200)
  },
)

const letter = z
  .object({
    ids: z.array(z.string()).openapi({ description: 'the ids of the keys, the newest first' }),
    letter: z.base64().openapi({
      description:
        'the keys in the form that the secret has, for the holder of the private key alone: X25519, ' +
        'HKDF-SHA-256 and AES-256-GCM, as in `src/pki/seal/handover.ts`',
    }),
  })
  .openapi('SealKeyLetter')

sealKeyRoutes.openapi(
  operation('revealSealKeys', 'post', '/seal-keys/reveal', {
    tags,
    summary:
      'Shows the seal keys that Control holds, sealed for one reader, and records who read them',
    description:
      '`npm run keys -- to-secrets` calls it, with a key that has all scopes. Keys that are secrets of ' +
      'the Worker are never shown.',
    body: body(
      z.strictObject({
        ...reader,
        public_key: z.base64().length(44, 'has to be 32 bytes in base64').openapi({
          description: 'of X25519, made for this call alone: 32 bytes in base64',
        }),
      }),
      { why: { ...WHY, public_key: 'hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo=' } },
    ),
    answers: {
      200: answer('the keys', letter, { ids: [ID], letter: 'hSDwCYkwp1R0i33ctD73Wg2/Og==' }),
    },
    problems: { 400: 'the public key is none', 409: 'Control holds no seal keys' },
  }),
  async (c) => {
    const { public_key: publicKey, ...why } = c.req.valid('json')
    const { ring, ids } = await controlOf(c).ringCopy()
    if (ids.length === 0) {
      throw new RequestError(
        'Control holds no seal keys: all of them are secrets of the Worker, which no call shows',
        'conflict',
      )
    }
    const sealed = letterTo(Buffer.from(publicKey, 'base64'), ring)
    noteAudit(c, { ids: [...ids] })
    const read = await readerOf(c, why)
    warn('seal:revealed', { ids: ids.join(' '), ...read })
    return c.json({ ids: [...ids], letter: encodeBase64(sealed) }, 200)
  },
)

function letterTo(publicKey: Uint8Array, ring: string): Uint8Array {
  try {
    return writeLetter(Buffer.from(ring), publicKey, RING_PURPOSE)
  } catch (error) {
    throw error instanceof SealError ? new RequestError(error.message, 400) : error
  }
}

sealKeyRoutes.openapi(
  operation('forgetSealKeys', 'delete', '/seal-keys/control', {
    tags,
    summary: 'Deletes the seal keys that Control holds, once all of them are secrets of the Worker',
    description: 'It needs a key with all scopes, as the call that shows them.',
    answers: { 204: DONE },
    problems: { 409: 'the secret of the Worker lacks one of the keys' },
  }),
  async (c) => {
    const secrets = c.var.config.sealKeys.filter(({ place }) => place === 'secret')
    const forgotten = await controlOf(c).forgetRing(secrets.map(({ id }) => id))
    if (forgotten.kind === 'lacking') {
      const ids = forgotten.ids.join(', ')
      throw new RequestError(
        `the secret SEAL_KEYS lacks ${ids}: run \`npm run keys -- to-secrets\`, or add the keys first`,
        'conflict',
      )
    }
    warn('seal:forgotten', { by: c.var.caller.id })
    return c.body(null, 204)
  },
)

function controlOf({ env }: AppContext) {
  return env.CONTROL.getByName(CONTROL_NAME)
}
