import { readHealth } from '../../health/probes.ts'
import { newRoutes } from '../new-routes.ts'
import { answer, operation } from '../operation.ts'
import { healthSchema } from './schema.ts'

/** The health of the server by its own checks (docs/health.md). */
export const healthRoutes = newRoutes()

healthRoutes.openapi(
  operation('getHealth', 'get', '/health', {
    tags: ['Health'],
    summary: 'Runs all checks of the server',
    description:
      'Reads the list of devices, calls each webhook’s object and each account of Apple Business Manager, ' +
      'and writes a row that it deletes. Monitors ask `GET /readyz`, which costs nearly nothing.',
    answers: {
      200: answer('each check with what it found', healthSchema, {
        ready: true,
        checked_at: '2026-11-24T09:00:00.000Z',
        version: '0.2.0+e7a814d3',
        public_url: 'https://mdm.example.com',
        push_topic: 'com.apple.mgmt.External.7d8e',
        seal_keys: ['9f86d081'],
        checks: [
          { id: 'directory', title: 'The directory (D1) answers', known: true, findings: [] },
          {
            id: 'push.certificate',
            title: 'The push certificate is good',
            known: true,
            findings: [
              {
                since: '2026-11-18T09:00:00.000Z',
                level: 'warn',
                text: 'the push certificate com.apple.mgmt.External.7d8e ends in 24 days: 2026-12-18',
                fix: 'renew it with the same Apple Account (docs/push-certificate.md)',
                webhook_id: null,
              },
            ],
          },
        ],
      }),
    },
  }),
  async (c) => c.json(await readHealth(c), 200),
)
