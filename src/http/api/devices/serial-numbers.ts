import { createRoute, z } from '@hono/zod-openapi'
import { projectDevices } from '../../../directory/devices/project.ts'
import type { SerialWord } from '../../../device/standing/admin.ts'
import { provenRivals } from '../../../directory/devices/serials.ts'
import { readSerial } from '../../../enroll/serial.ts'
import { AdminError } from '../../at-device.ts'
import { deviceItself, knownDevice } from '../device-id.ts'
import { deviceAnswer, showDevice } from './device.ts'
import { serialNumber } from '../serial-number.ts'
import { body, deviceId, refusal } from '../operation.ts'
import { newRoutes } from '../routes.ts'

/** Which device has a serial number that several claim, by an admin's word. */
export const serialNumberRoutes = newRoutes()

serialNumberRoutes.openapi(
  createRoute({
    method: 'post',
    path: '/devices/{id}/serial-number/confirm',
    operationId: 'confirmSerialNumber',
    tags: ['Devices'],
    summary: 'Confirms that the serial number is this device’s',
    description:
      'The serial number then leads to this device only. Confirm it when you know, for instance because the device is in your hands. It holds for the present enrolment; other devices lose their proof.',
    request: {
      params: z.object({ id: deviceId }),
      body: body(
        z.strictObject({
          serial_number: serialNumber.openapi({ description: 'as the device tells it' }),
        }),
        {
          mine: { serial_number: 'C02ABCDEFGHJ' },
        },
      ),
    },
    responses: {
      200: deviceAnswer,
      404: refusal('no such device'),
      409: refusal('the device tells another serial number, has left, or is contested'),
    },
  }),
  async (c) => {
    const { id, facts } = await deviceItself(c.env, c.req.valid('param').id)
    const { serial_number: said } = c.req.valid('json')
    // People type it otherwise than the device tells it.
    const serial = readSerial(facts.SerialNumber) === said ? facts.SerialNumber : said
    check(id, serial, await c.env.DEVICE.getByName(id).proveSerial(serial, true))
    await projectDevices(c.env, [id])
    const rivals = await provenRivals(c.env.DB, serial, id)
    await Promise.all(
      rivals.map((rival) => c.env.DEVICE.getByName(rival).proveSerial(serial, false)),
    )
    await projectDevices(c.env, rivals)
    return showDevice(c, await knownDevice(c.env, id))
  },
)

/** @throws AdminError when the device has not taken it */
function check(id: string, serial: string, word: SerialWord): void {
  switch (word.kind) {
    case 'taken':
      return
    case 'unknown':
      throw new AdminError(`no device has the id ${id}`, 'device_not_found')
    case 'other': {
      const told = word.serial === '' ? 'none' : word.serial
      throw new AdminError(
        `${id} does not tell the serial number ${serial}: it tells ${told}`,
        'serial_mismatch',
      )
    }
    case 'contested':
      throw new AdminError(
        `the enrolment of ${id} is contested: say first which one is the device, with POST /api/enrollments/decide`,
        'enrollment_contested',
      )
    case 'gone':
      throw new AdminError(
        `${id} has left, was deleted or has no certificate that is accepted: it claims no serial number`,
        'serial_mismatch',
      )
  }
}
