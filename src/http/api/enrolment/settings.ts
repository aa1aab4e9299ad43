import { z } from '../zod.ts'
import type { Context } from 'hono'
import type { EnrollmentAccess } from '../../../config/enrollment.ts'
import { type EnrollUrls, enrollUrls, TOKEN_PARAM } from '../../../enroll/urls.ts'
import type { AppEnv } from '../../app-env.ts'
import { baseUrl } from '../../host.ts'
import { answer, operation } from '../operation.ts'
import { newRoutes } from '../new-routes.ts'
import { enrolmentProblems } from './problems.ts'

/** Which devices may enrol, and the links for them. */
export const enrollmentRoutes = newRoutes()

const MEANINGS: Readonly<Record<EnrollmentAccess['mode'], string>> = {
  open: 'any device that reaches this server can enrol: ENROLLMENT=token closes it',
  token: 'each device that has the link can enrol',
  known:
    'only devices on the list of /api/known-serials, or in Apple Business Manager, can enrol, by ADE or ' +
    'OTA, and those with an invitation',
}

const settings = z.object({
  mode: z.enum(['open', 'token', 'known']).openapi({ description: '`ENROLLMENT`' }),
  meaning: z.string(),
  link: z.url().openapi({
    description:
      'for people: the page; if `HOMEPAGE` is off, the profile, or `ota_url` if the mode is `known`',
  }),
  profile_url: z.url().openapi({ description: '`url` of the profile for ADE' }),
  ota_url: z.url().openapi({ description: 'for people, for an enrolment over the air' }),
  configurator_url: z.url().openapi({
    description: 'for Apple Configurator, which finds `profile_url` there, without its token',
  }),
  problems: z
    .array(
      z.object({
        text: z.string().openapi({ description: 'what keeps devices from enrolling' }),
        fix: z.string().openapi({ description: 'what to do' }),
      }),
    )
    .openapi({ description: 'empty if devices can enrol, as far as the server knows' }),
})

enrollmentRoutes.openapi(
  operation('getEnrollment', 'get', '/enrollment', {
    tags: ['Enrolment'],
    summary: 'The settings of enrolment, and the links with the token that opens them',
    answers: {
      200: answer('the settings of enrolment', settings, {
        mode: 'token',
        meaning: MEANINGS.token,
        link: 'https://mdm.example.com/?token=0f1e2d3c4b5a69788796a5b4c3d2e1f0',
        profile_url: 'https://mdm.example.com/mdm/enroll?token=0f1e2d3c4b5a69788796a5b4c3d2e1f0',
        ota_url: 'https://mdm.example.com/ota/enroll?token=0f1e2d3c4b5a69788796a5b4c3d2e1f0',
        configurator_url: 'https://mdm.example.com',
        problems: [],
      }),
    },
  }),
  async (c) => c.json(await settingsOf(c), 200),
)

async function settingsOf(c: Context<AppEnv>): Promise<z.infer<typeof settings>> {
  const { access, homepage } = c.var.config.enrollment
  const { mode } = access
  const query = mode === 'token' ? { [TOKEN_PARAM]: access.token } : {}
  const { link, profile, ota } = linksWith(c, query)
  return {
    mode,
    meaning: MEANINGS[mode],
    // A plain download shows no serial number.
    link: mode === 'known' && !homepage ? ota : link,
    profile_url: profile,
    ota_url: ota,
    configurator_url: baseUrl(c),
    problems: [...(await enrolmentProblems(c))],
  }
}

/** The enrolment links, with these parameters. */
export function linksWith(c: Context<AppEnv>, query: Record<string, string>): EnrollUrls {
  const { homepage } = c.var.config.enrollment
  return enrollUrls(baseUrl(c), new URLSearchParams(query), homepage)
}
