/** Checks the items about what new devices get. */
import { z } from '../zod.ts'
import { Buffer } from 'node:buffer'
import { readDepKey } from '../../../dep/exchange-key.ts'
import { jsonIn } from './record.ts'

/** A row of D1 has at most 2 MB. */
const MAX_BYTES = 500_000
const text = z.string()
const texts = z.array(text)
const id = text.min(1)
const time = z.number().min(0)

const setupUser = z.strictObject({
  uuid: id,
  shortName: text,
  longName: text,
  hidden: z.boolean(),
  passwordHash: z.base64(),
})
const blueprint = z.strictObject({
  uuid: id,
  name: text,
  install_application_manifest_urls: texts,
  profile_ids: texts,
  user_uuids: texts,
  skip_primary_setup_account_creation: z.boolean(),
  set_primary_setup_account_as_regular_user: z.boolean(),
  apply_at: texts,
})
const depKey = z.strictObject({ certificate: z.base64(), key: z.base64() })
const depAccount = z.strictObject({
  token: z.strictObject({
    consumerKey: id,
    consumerSecret: id,
    accessToken: id,
    accessSecret: id,
    expiresAt: time,
  }),
  keySerial: text.optional(),
  cursor: z.strictObject({ value: text.max(1000), at: time }).optional(),
  autoAssign: text.optional(),
})

/** Why an item of such a kind could not be applied. */
export const ENROLMENT_FAULTS = {
  setup_user: faultOf(setupUser, ({ uuid }) => uuid),
  blueprint: faultOf(blueprint, ({ uuid }) => uuid),
  dep_key: faultOf(depKey, ({ certificate, key }) => {
    const [der, pkcs8] = [certificate, key].map((base64) => Buffer.from(base64, 'base64'))
    return der && pkcs8 && readDepKey(der, pkcs8, 'pkcs8')?.serial
  }),
  dep_account: faultOf(depAccount, ({ token }) => token.consumerKey),
}

function faultOf<Schema extends z.ZodType>(
  schema: Schema,
  idOf: (item: z.output<Schema>) => string | undefined,
) {
  return (bytes: Uint8Array, itemId: string): string | undefined => {
    const read = bytes.length <= MAX_BYTES ? schema.safeParse(jsonIn(bytes)) : undefined
    if (!read?.success) {
      const place = read?.error.issues[0]?.path.join('.')
      return place === undefined
        ? `it has more than ${MAX_BYTES} bytes`
        : `it is no such item: ${place}`
    }
    return idOf(read.data) === itemId ? undefined : 'it has another id, or none'
  }
}
