import { z } from '../zod.ts'
import { setupCommand } from '../../../blueprints/command.ts'
import { hashPassword, newPassword } from '../../../blueprints/password.ts'
import { encodeBase64 } from '../../../plist/base64.ts'
import { asDict, dictAt, dictsIn, textAt } from '../../../plist/dict.ts'
import { readPlist } from '../../../plist/read.ts'
import { queuedBy } from '../../queue/queued-by.ts'
import { RequestError } from '../../request-error.ts'
import { knownDevice } from '../device-id.ts'
import { newRoutes } from '../new-routes.ts'
import { answer, body, operation } from '../operation.ts'
import { askSetup, DEVICE_ITSELF, NOT_NOW, refusalOf } from './setup.ts'

/** The password of the administrator account that a device got in its setup. */
export const setupPasswordRoutes = newRoutes()

const wanted = z.strictObject({
  guid: z
    .string()
    .min(1)
    .max(100)
    .optional()
    .openapi({
      description:
        'of the account on the device; if left out, that of the first one in the last answer to a ' +
        'DeviceInformation that asked for `AutoSetupAdminAccounts`',
    }),
})
const queued = z.object({ command_id: z.string() }).openapi('PasswordRotation')

setupPasswordRoutes.openapi(
  operation('rotateSetupPassword', 'post', '/devices/{id}/setup/password', {
    tags: ['Setup'],
    summary: 'Gives the administrator account of a device another password, made for this device',
    description:
      'SetAutoAdminPassword is queued. `readEscrow` of `admin_password` shows the new password at once. ' +
      'The one before is valid until the device has acknowledged the command, and stays valid if it ' +
      'answers with an error. It is in the archive, and `token_id` shows it. One change at a time.',
    params: DEVICE_ITSELF,
    body: body(wanted, { given: { guid: '5B6D1C1E-2A4F-4C0B-9E8D-7F6A5B4C3D2E' } }),
    answers: {
      200: answer('it is queued', queued, {
        command_id: 'E0B7A5F2-6C1D-4C57-9F0B-3C5C5D7A9E01.2',
      }),
    },
    problems: NOT_NOW,
  }),
  async (c) => {
    const { id } = c.req.valid('param')
    const guid = c.req.valid('json').guid ?? (await accountOf(c.env, id))
    const password = newPassword(random)
    const hash = await hashPassword(password, { subtle: crypto.subtle, random })
    const built = setupCommand(
      { request_type: 'SetAutoAdminPassword', guid, password_hash: encodeBase64(hash) },
      () => crypto.randomUUID(),
    )
    if (!built.ok) {
      throw new RequestError(built.error, 'invalid_command')
    }
    const { commandUUID: uuid, requestType, payload, secret } = built
    const by = queuedBy(c, 'api')
    const command = { uuid, requestType, payload, secret, source: '', by }
    const reply = await askSetup(c.env, id, { kind: 'rotate', command, password })
    if (reply.kind !== 'queued') {
      throw refusalOf(reply)
    }
    return c.json({ command_id: reply.id }, 200)
  },
)

const random = (bytes: number) => crypto.getRandomValues(new Uint8Array(bytes))

/** The account that the device has reported. @throws RequestError if it has not */
async function accountOf(env: Parameters<typeof knownDevice>[0], id: string): Promise<string> {
  const { inventory } = await knownDevice(env, id)
  const reports = inventory.filter(({ type }) => type === 'DeviceInformation')
  const accounts = reports.flatMap(({ report }) => {
    const answers = dictAt(asDict(readPlist(report, 'device')), 'QueryResponses')
    return dictsIn(answers?.['AutoSetupAdminAccounts'])
  })
  const guid = accounts.map((account) => textAt(account, 'GUID')).find(Boolean)
  if (guid === undefined) {
    throw new RequestError(
      'the device has not reported the account: give its `guid`, or send DeviceInformation with the query ' +
        'AutoSetupAdminAccounts first',
      'setup_refused',
    )
  }
  return guid
}
