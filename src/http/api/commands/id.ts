import { z } from '../zod.ts'
import type { CommandRef } from '../../../device/queue/lookup.ts'
import { faultOfId } from '../../../mdm/enrollment.ts'
import { RequestError } from '../../request-error.ts'
import { pathId } from '../operation.ts'

/** The id of a command in a path: the enrolment's id, a dot and a number. */

const COMMAND_ID = /^(.+)\.(\d{1,12})$/s

export const COMMAND_PARAMS = pathId(
  z.string(),
  'a command’s id',
  'E0B7A5F2-6C1D-4C57-9F0B-3C5C5D7A9E01.17',
)

export const NO_COMMAND = { 404: 'no such command: it did not exist, or is no longer kept' }

/** @throws RequestError 'command_not_found' for a text that is no command's id */
export function refOf(id: string): CommandRef {
  const [, enrollment, n] = COMMAND_ID.exec(id) ?? []
  if (enrollment === undefined || faultOfId(enrollment) !== undefined) {
    throw new RequestError(
      `${id} is no command’s id: that is an enrolment id, a dot and a number`,
      'command_not_found',
    )
  }
  return { enrollment, n: Number(n) }
}

export function unknownCommand({ enrollment, n }: CommandRef): RequestError {
  return new RequestError(
    `no command ${enrollment}.${n}: it did not exist, or is no longer kept`,
    'command_not_found',
  )
}
