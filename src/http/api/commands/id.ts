import { z } from '@hono/zod-openapi'
import type { CommandRef } from '../../../device/queue/lookup.ts'
import { faultOfId } from '../../../mdm/enrollment.ts'
import { AdminError } from '../../at-device.ts'
import { refusal } from '../operation.ts'

/** A command's id in a path. */
export const commandIdParam = z.string().openapi({
  param: { name: 'id', in: 'path' },
  description: 'a command’s id',
  example: 'E0B7A5F2-6C1D-4C57-9F0B-3C5C5D7A9E01.17',
})

export const noCommand = refusal('no such command: it never was, or is kept no longer')

/** @throws AdminError 'command_not_found' for what is no command's id */
export function refOf(id: string): CommandRef {
  const [, enrollment, n] = /^(.+)\.(\d{1,12})$/s.exec(id) ?? []
  if (enrollment === undefined || faultOfId(enrollment) !== undefined) {
    throw new AdminError(
      `${id} is no command’s id: that is an enrolment id, a dot and a number`,
      'command_not_found',
    )
  }
  return { enrollment, n: Number(n) }
}

export function unknown({ enrollment, n }: CommandRef): AdminError {
  return new AdminError(
    `no command ${enrollment}.${n}: it never was, or is kept no longer`,
    'command_not_found',
  )
}
