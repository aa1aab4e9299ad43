import { z } from '../zod.ts'
import { projectDevices } from '../../../directory/devices/project.ts'
import type { SerialWord } from '../../../device/standing/prove-serial.ts'
import { provenRivals } from '../../../directory/devices/serials.ts'
import { readSerial } from '../../../enroll/serial.ts'
import { RequestError } from '../../request-error.ts'
import { deviceItself, knownDevice } from '../device-id.ts'
import { deviceAnswer, showDevice } from './device.ts'
import { serialNumber } from '../serial-number.ts'
import { body, DEVICE_PARAMS, NO_DEVICE, operation } from '../operation.ts'
import { newRoutes } from '../new-routes.ts'

/** A serial number that several devices claim: an admin confirms which one has it. */
export const serialNumberRoutes = newRoutes()

const wanted = z.strictObject({
  serial_number: serialNumber.openapi({ description: 'as the device reports it' }),
})

serialNumberRoutes.openapi(
  operation('confirmSerialNumber', 'post', '/devices/{id}/serial-number/confirm', {
    tags: ['Devices'],
    summary: 'Confirms that the serial number is this device’s',
    description:
      'The serial number then leads to this device only. Confirm it when you know that it is right, for ' +
      'example because you have the device in your hands. The confirmation holds for the present ' +
      'enrolment; other devices with the number lose their proof.',
    params: DEVICE_PARAMS,
    body: body(wanted, { mine: { serial_number: 'C02ABCDEFGHJ' } }),
    answers: { 200: deviceAnswer },
    problems: {
      ...NO_DEVICE,
      409: 'the device reports another serial number, has left, or is contested',
    },
  }),
  async (c) => {
    const { id, facts } = await deviceItself(c.env, c.req.valid('param').id)
    const { serial_number: said } = c.req.valid('json')
    // An admin may type it with other letters and spaces than the device reports.
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

/** @throws RequestError if the device has not accepted it */
function check(id: string, serial: string, word: SerialWord): void {
  switch (word.kind) {
    case 'taken':
      return
    case 'unknown':
      throw new RequestError(`no device has the id ${id}`, 'device_not_found')
    case 'other': {
      const reported = word.serial === '' ? 'none' : word.serial
      throw new RequestError(
        `${id} does not report the serial number ${serial}: it reports ${reported}`,
        'serial_mismatch',
      )
    }
    case 'contested':
      throw new RequestError(
        `the enrolment of ${id} is contested: decide first which one is the device (POST ` +
          '/api/enrollments/decide)',
        'enrollment_contested',
      )
    case 'gone':
      throw new RequestError(
        `${id} has left, was deleted or has no certificate that is accepted: it claims no serial number`,
        'serial_mismatch',
      )
  }
}
