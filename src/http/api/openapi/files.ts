/** The API's document and its page. The build writes them, and the Worker serves them (face.ts). */
import { rightOf } from '../../access/rights/table.ts'
import { OPERATIONS, routeOf } from '../face.ts'
import { WORDS } from '../words.ts'
import { docsPage } from './docs/page.ts'
import { withErrors, withNames } from './document.ts'
import { withEvents } from './event-schema.ts'
import type { Document } from './kind.ts'
import { writeDocument } from './write-document.ts'

export async function documentFiles(): Promise<Record<string, string>> {
  return {
    'openapi.json': JSON.stringify(withErrors(document())),
    // The page lists the errors of all operations once, so its document is without them.
    'docs.html': await docsPage(document()),
  }
}

function document(): Document {
  return withEvents(
    withNames(
      writeDocument(OPERATIONS.map(withSecurity), WORDS, {
        openapi: '3.1.0',
        info: {
          title: 'EdgeMDM',
          version: '1',
          description:
            'EdgeMDM’s own API. Errors are problem documents (RFC 9457). Lists have pages: `next` is the ' +
            '`cursor` of the next page.',
        },
        components: {
          securitySchemes: {
            basic: {
              type: 'http',
              scheme: 'basic',
              description: 'user `micromdm`, password the API key',
            },
            bearer: { type: 'http', scheme: 'bearer', description: 'the API key as the token' },
          },
        },
      }),
    ),
  )
}

/**
 * Says which scope an operation needs: the roles of a requirement, of which a key needs one; `all` is every
 * scope (OpenAPI 3.1, security requirement object).
 */
function withSecurity(operation: (typeof OPERATIONS)[number]) {
  const { method, path } = operation
  const { needed } = rightOf(method.toUpperCase(), routeOf(path)) ?? { needed: 'any' }
  const scopes = needed === 'any' ? [] : needed.split('|')
  return { ...operation, security: [{ basic: scopes }, { bearer: scopes }] }
}
