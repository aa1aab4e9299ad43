import { z } from './zod.ts'
import type { DeviceFilter } from '../../directory/devices/search.ts'
import { flag, moment } from './values.ts'
import { commaList, several } from './paging.ts'
import { enrollmentMode, enrollmentState, platformWord, pushState, renewalState } from './words.ts'

/** Filters of devices: the same words in the query of the list and in the `filter` of bulk calls. */

/** How many devices one call may have. */
export const MAX_TARGETS = 100_000

const BLANK = 'has to hold something'
const text = z.string().trim().min(1, BLANK)
const SERIALS = 'a contested one leads to the only device with proof, or to no device'

/** Words with the same form in a query and in JSON. */
const alike = {
  q: text.optional().openapi({
    description: 'a part of the id, serial number or device name, or of the short name of a user',
  }),
  device_name: text.optional().openapi({ description: 'a part of the device name' }),
  model: text.optional().openapi({ description: 'model, model name or product name' }),
  os_version: text.optional().openapi({ description: 'a version; 26 also finds 26.1' }),
  last_seen_before: moment
    .optional()
    .openapi({ description: 'the device last connected before this time' }),
  last_seen_after: moment
    .optional()
    .openapi({ description: 'the device last connected at this time or later' }),
}

const PLATFORM = 'the platform, by the product name'
const STATE = 'state of the enrolment'
const PUSH_STATE = 'whether the server can push the device channel'
const CONTESTED = 'whether the enrolment is contested: see decideEnrollments'
const ENROLLMENT = 'how it enrolled'
const SUPERVISED = 'as DeviceInformation said'
const BLOCKED = 'whether an admin has blocked it'
const RENEWAL = 'the renewal of its identity'
const SERIAL_CONTESTED = 'whether another device contests its serial number'

export const deviceQuery = {
  ...alike,
  serial_number: commaList(text, 'one or more, between commas, up to 50'),
  platform: several(platformWord, PLATFORM),
  state: several(enrollmentState, STATE),
  push_state: several(pushState, PUSH_STATE),
  contested: flag.optional().openapi({ description: CONTESTED }),
  serial_number_contested: flag.optional().openapi({ description: SERIAL_CONTESTED }),
  enrollment_type: several(enrollmentMode, ENROLLMENT),
  supervised: flag.optional().openapi({ description: SUPERVISED }),
  blocked: flag.optional().openapi({ description: BLOCKED }),
  renewal: several(renewalState, RENEWAL),
}

export const deviceFilter = z
  .strictObject({
    ...alike,
    serial_number: z
      .array(text)
      .min(1, 'an empty list finds no device: leave it out for any serial number')
      .max(MAX_TARGETS)
      .optional()
      .openapi({ description: SERIALS }),
    platform: z.array(platformWord).min(1).optional().openapi({ description: PLATFORM }),
    state: z
      .array(enrollmentState)
      .min(1)
      .optional()
      .openapi({ description: `${STATE}; \`enrolled\` if left out` }),
    push_state: z.array(pushState).min(1).optional().openapi({ description: PUSH_STATE }),
    contested: z.boolean().optional().openapi({ description: CONTESTED }),
    serial_number_contested: z.boolean().optional().openapi({ description: SERIAL_CONTESTED }),
    enrollment_type: z.array(enrollmentMode).min(1).optional().openapi({ description: ENROLLMENT }),
    supervised: z.boolean().optional().openapi({ description: SUPERVISED }),
    blocked: z.boolean().optional().openapi({ description: BLOCKED }),
    renewal: z.array(renewalState).min(1).optional().openapi({ description: RENEWAL }),
  })
  .refine((filter) => Object.keys(filter).length > 0, {
    error: 'an empty filter finds no device: name at least one word',
    // A filter with another fault gets only that text.
    when: ({ issues }) => issues.length === 0,
  })
  .openapi('DeviceFilter', { description: 'a device must match all parts' })

/** The filter of the directory, from either form. */
export function filterOf(words: Partial<z.output<typeof deviceFilter>>): DeviceFilter {
  return {
    text: words.q,
    serials: words.serial_number ?? [],
    name: words.device_name,
    model: words.model,
    platforms: words.platform ?? [],
    os: words.os_version,
    states: words.state ?? [],
    push: words.push_state ?? [],
    contested: words.contested,
    seenBefore: words.last_seen_before,
    seenAfter: words.last_seen_after,
    serialContested: words.serial_number_contested,
    enrollments: words.enrollment_type ?? [],
    supervised: words.supervised,
    blocked: words.blocked,
    renewals: words.renewal ?? [],
  }
}
