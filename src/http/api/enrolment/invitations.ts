import { z } from '../zod.ts'
import { clock } from '../../../clock.ts'
import { DAY, readDuration } from '../../../config/values.ts'
import {
  addInvitation,
  type Invitation,
  invitationNamed,
  listInvitations,
  MAX_INVITATIONS,
  revokeInvitation,
  invitationState,
} from '../../../directory/invitations.ts'
import { INVITATION_PARAM } from '../../../enroll/urls.ts'
import { log } from '../../../log.ts'
import { RequestError, faultAt } from '../../request-error.ts'
import { linksWith } from './settings.ts'
import { listOf, sortedList } from '../paging.ts'
import { serialNumber } from '../serial-number.ts'
import { answer, body, located, operation, pathId } from '../operation.ts'
import { atOrNull, iso, textOrNull } from '../values.ts'
import { newRoutes } from '../new-routes.ts'

/** Links for one person or device, which allow enrolment in every mode. */
export const invitationRoutes = newRoutes()

const tags = ['Enrolment']
const MAX_LIFETIME = 365 * DAY
const FULL = `${MAX_INVITATIONS} invitations are open`
const LIFETIME = 'must be a time from 1m to 365d, such as 12h or 7d'

const invitation = z
  .object({
    id: z.string(),
    state: z.enum(['open', 'used_up', 'expired', 'revoked']),
    note: z.string().nullable(),
    serial_number: z.string().nullable().openapi({ description: 'null if any device may use it' }),
    max_uses: z.int(),
    used: z.int().openapi({ description: 'how many certificates it led to' }),
    created_at: z.iso.datetime(),
    expires_at: z.iso.datetime(),
    revoked_at: z.iso.datetime().nullable(),
  })
  .openapi('Invitation')
const EXAMPLE: z.infer<typeof invitation> = {
  id: '3f0a1c5e7b9d2f4a6c8e0b1d3f5a7c9e',
  state: 'open',
  note: 'Ada, new laptop',
  serial_number: 'C02EXAMPLE',
  max_uses: 1,
  used: 0,
  created_at: '2026-11-28T09:00:00Z',
  expires_at: '2026-12-05T09:00:00Z',
  revoked_at: null,
}
const newInvitation = invitation
  .extend({ link: z.url().openapi({ description: 'the link to send; it is shown only now' }) })
  .openapi('NewInvitation')
const params = pathId(
  z.string(),
  'the id, or the text behind `invitation=` in the link',
  EXAMPLE.id,
)
const NO_INVITATION = {
  404: 'no such invitation: it did not exist, or ended more than 30 days ago',
}
const list = sortedList('invitation', ['created_at'], '-created_at')

const wanted = z.strictObject({
  note: z.string().trim().max(200).nullish().openapi({ description: 'the person it is for' }),
  serial_number: serialNumber.nullish().openapi({ description: 'the only device that may use it' }),
  lifetime: z
    .string()
    .regex(/^\d{1,8}[mhd]$/, LIFETIME)
    .default('7d')
    .openapi({ description: 'how long it is valid: `12h`, `7d`, up to `365d`' }),
  max_uses: z
    .int()
    .min(1)
    .max(1000)
    .default(1)
    .openapi({ description: 'how many certificates it may lead to' }),
})

invitationRoutes.openapi(
  operation('createInvitation', 'post', '/invitations', {
    tags,
    summary:
      'Creates a link with which devices can enrol, once or several times; it is shown only now',
    description:
      'The link opens the page at `/`, with the profile and a QR code. Each certificate that is issued ' +
      'counts as one use: an enrolment over the air takes two, and a download takes none.',
    body: body(wanted, {
      person: { note: 'Ada, new laptop' },
      device: { note: 'Ada', serial_number: 'C02EXAMPLE', lifetime: '12h' },
      room: { note: 'workshop in room 7', max_uses: 20, lifetime: '1d' },
    }),
    answers: {
      201: located(
        answer('the invitation, and the link to send', newInvitation, {
          ...EXAMPLE,
          link: 'https://mdm.example.com/?invitation=c1d2e3f405162738495a6b7c8d9eaf00',
        }),
      ),
    },
    problems: { 409: FULL },
  }),
  async (c) => {
    const { note, serial_number: serial, lifetime, max_uses: maxUses } = c.req.valid('json')
    const now = clock.now()
    const expiresAt = now + lifetimeOf(lifetime)
    const facts = { note: note ?? '', serial: serial ?? '', maxUses, expiresAt }
    const added = await addInvitation(c.env.DB, facts, now)
    if (!added) {
      throw new RequestError(`${FULL}: revoke some, or give one more uses`, 'limit_reached')
    }
    log('enroll:invited', { invitation: added.invitation.id, max_uses: maxUses })
    const { link } = linksWith(c, { [INVITATION_PARAM]: added.secret })
    c.header('location', `/api/invitations/${added.invitation.id}`)
    return c.json({ ...invitationJson(added.invitation, now), link }, 201)
  },
)

invitationRoutes.openapi(
  operation('listInvitations', 'get', '/invitations', {
    tags,
    summary: 'Lists invitations, without their links',
    query: list.query,
    answers: { 200: listOf('a page of invitations', invitation, EXAMPLE) },
  }),
  async (c) => {
    const now = clock.now()
    const page = await list.page(c.req.valid('query'), {
      read: (range) => listInvitations(c.env.DB, range),
      item: (one) => invitationJson(one, now),
      place: ({ createdAt, id }) => ({ value: createdAt, id }),
    })
    return c.json(page, 200)
  },
)

invitationRoutes.openapi(
  operation('getInvitation', 'get', '/invitations/{id}', {
    tags,
    summary: 'One invitation, without its link',
    params,
    answers: { 200: answer('the invitation', invitation, EXAMPLE) },
    problems: NO_INVITATION,
  }),
  async (c) => {
    const found = existing(await invitationNamed(c.env.DB, c.req.valid('param').id))
    return c.json(invitationJson(found, clock.now()), 200)
  },
)

invitationRoutes.openapi(
  operation('revokeInvitation', 'delete', '/invitations/{id}', {
    tags,
    summary:
      'Revokes an invitation, and the profiles that were downloaded with it and not used yet',
    description: 'Enrolled devices stay enrolled. The invitation is listed as revoked for 30 days.',
    params,
    answers: { 200: answer('the invitation', invitation, EXAMPLE) },
    problems: NO_INVITATION,
  }),
  async (c) => {
    const now = clock.now()
    const { id } = existing(await invitationNamed(c.env.DB, c.req.valid('param').id))
    return c.json(invitationJson(existing(await revokeInvitation(c.env.DB, id, now)), now), 200)
  },
)

/** Milliseconds. @throws RequestError */
function lifetimeOf(text: string): number {
  const ms = readDuration(text)
  if (ms === 0 || ms > MAX_LIFETIME) {
    throw faultAt('json.lifetime', LIFETIME)
  }
  return ms
}

function existing(found: Invitation | undefined): Invitation {
  if (!found) {
    throw new RequestError(
      'there is no such invitation, or it ended more than 30 days ago',
      'invitation_not_found',
    )
  }
  return found
}

function invitationJson(one: Invitation, now: number): z.infer<typeof invitation> {
  return {
    id: one.id,
    state: invitationState(one, now),
    note: textOrNull(one.note),
    serial_number: textOrNull(one.serial),
    max_uses: one.maxUses,
    used: one.used,
    created_at: iso(one.createdAt),
    expires_at: iso(one.expiresAt),
    revoked_at: atOrNull(one.revokedAt),
  }
}
