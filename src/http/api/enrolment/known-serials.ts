import { z } from '../zod.ts'
import { clock } from '../../../clock.ts'
import { addSerials, listSerials, removeSerials } from '../../../directory/devices/known-serials.ts'
import { RequestError } from '../../request-error.ts'
import { answer, body, DONE, operation, pathId } from '../operation.ts'
import { listOf, sortedList } from '../paging.ts'
import { newRoutes } from '../new-routes.ts'
import { serialNumber } from '../serial-number.ts'
import { iso, time } from '../values.ts'

/** The devices that may enrol with `ENROLLMENT=known`. */
export const knownSerialRoutes = newRoutes()

const tags = ['Enrolment']
const MAX_A_CALL = 5000
const several = z.strictObject({
  ids: z
    .array(serialNumber)
    .min(1)
    .max(MAX_A_CALL)
    .openapi({ description: `up to ${MAX_A_CALL} serial numbers` }),
})
const TWO = { two: { ids: ['C02EXAMPLE', 'f9f xyz 123'] } }
const knownSerial = z
  .object({ id: z.string().openapi({ description: 'the serial number' }), added_at: time })
  .openapi('KnownSerial')
const EXAMPLE = { id: 'C02EXAMPLE', added_at: '2026-11-28T09:00:00Z' }
const list = sortedList('serial', ['id', 'added_at'])

knownSerialRoutes.openapi(
  operation('listKnownSerials', 'get', '/known-serials', {
    tags,
    summary: 'Lists the serial numbers that may enrol',
    query: list.query,
    answers: { 200: listOf('a page of serial numbers', knownSerial, EXAMPLE) },
  }),
  async (c) => {
    const page = await list.page(c.req.valid('query'), {
      read: (range) => listSerials(c.env.DB, range),
      item: ({ serial, addedAt }) => ({ id: serial, added_at: iso(addedAt) }),
      place: ({ serial: id, addedAt }, field) => ({ value: field === 'id' ? id : addedAt, id }),
    })
    return c.json(page, 200)
  },
)

knownSerialRoutes.openapi(
  operation('addKnownSerials', 'post', '/known-serials', {
    tags,
    summary: `Adds up to ${MAX_A_CALL} serial numbers to those that may enrol`,
    description:
      'The list counts with `ENROLLMENT=known`, and is kept in every mode. Small letters and spaces make ' +
      'no difference. A serial number that is on the list already stays unchanged.',
    body: body(several, TWO),
    answers: { 200: answer('done', z.object({ added: z.int() }), { added: 2 }) },
  }),
  async (c) => {
    const { ids } = c.req.valid('json')
    return c.json({ added: await addSerials(c.env.DB, ids, clock.now()) }, 200)
  },
)

knownSerialRoutes.openapi(
  operation('removeKnownSerials', 'post', '/known-serials/remove', {
    tags,
    summary: `Removes up to ${MAX_A_CALL} serial numbers from the list; enrolled devices stay enrolled`,
    body: body(several, TWO),
    answers: {
      200: answer('how many were on the list', z.object({ removed: z.int() }), { removed: 2 }),
    },
  }),
  async (c) => {
    const { ids } = c.req.valid('json')
    return c.json({ removed: await removeSerials(c.env.DB, ids) }, 200)
  },
)

knownSerialRoutes.openapi(
  operation('removeKnownSerial', 'delete', '/known-serials/{id}', {
    tags,
    summary: 'Removes a serial number from the list; an enrolled device stays enrolled',
    params: pathId(serialNumber, 'a serial number', EXAMPLE.id),
    answers: { 204: DONE },
    problems: { 404: 'it is not on the list' },
  }),
  async (c) => {
    const { id } = c.req.valid('param')
    if ((await removeSerials(c.env.DB, [id])) === 0) {
      throw new RequestError(`${id} is not on the list`, 'serial_not_found')
    }
    return c.body(null, 204)
  },
)
