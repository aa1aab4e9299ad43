import { createRoute, z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import type { EnrollmentAccess } from '../../../config/config.ts'
import { type EnrollUrls, enrollUrls, TOKEN_PARAM } from '../../../enroll/urls.ts'
import type { AppEnv } from '../../app-env.ts'
import { baseUrl } from '../../base-url.ts'
import { answer } from '../operation.ts'
import { newRoutes } from '../routes.ts'

/** Who may enrol, and the links that lead there. */
export const enrollmentRoutes = newRoutes()

const MEANINGS: Readonly<Record<EnrollmentAccess['mode'], string>> = {
  open: 'any device that reaches this server can enrol: ENROLLMENT=token closes it',
  token: 'each device that has the link can enrol',
  known:
    'only devices on the list of /api/known-serials can enrol, by ADE or OTA, and those with an invitation',
}

enrollmentRoutes.openapi(
  createRoute({
    method: 'get',
    path: '/enrollment',
    operationId: 'getEnrollment',
    tags: ['Enrolment'],
    summary: 'Who may enrol, and the links with the token that opens them',
    responses: {
      200: answer(
        'the settings of enrolment',
        z.object({
          mode: z.enum(['open', 'token', 'known']).openapi({ description: '`ENROLLMENT`' }),
          meaning: z.string(),
          link: z.url().openapi({
            description:
              'for people: the page; where `HOMEPAGE` is off, the profile, or `ota_url` if the mode is `known`',
          }),
          profile_url: z.url().openapi({ description: '`url` of the profile for ADE' }),
          ota_url: z.url().openapi({ description: 'for people, where OTA is wanted' }),
        }),
        {
          mode: 'token',
          meaning: MEANINGS.token,
          link: 'https://mdm.example.com/?token=0f1e2d3c4b5a69788796a5b4c3d2e1f0',
          profile_url: 'https://mdm.example.com/mdm/enroll?token=0f1e2d3c4b5a69788796a5b4c3d2e1f0',
          ota_url: 'https://mdm.example.com/ota/enroll?token=0f1e2d3c4b5a69788796a5b4c3d2e1f0',
        },
      ),
    },
  }),
  (c) => {
    const { access } = c.var.config.enrollment
    const { mode } = access
    const { link, profile, ota } = linksWith(
      c,
      mode === 'token' ? { [TOKEN_PARAM]: access.token } : {},
    )
    const { homepage } = c.var.config.enrollment
    // A plain download shows no serial number.
    const forPeople = mode === 'known' && !homepage ? ota : link
    return c.json(
      { mode, meaning: MEANINGS[mode], link: forPeople, profile_url: profile, ota_url: ota },
      200,
    )
  },
)

/** The way in, with these parameters. */
export function linksWith(c: Context<AppEnv>, query: Record<string, string>): EnrollUrls {
  const { homepage } = c.var.config.enrollment
  return enrollUrls(baseUrl(c), new URLSearchParams(query), homepage)
}
