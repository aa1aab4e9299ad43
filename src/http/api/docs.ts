import type { OpenAPIHono } from '@hono/zod-openapi'
import { html, raw } from 'hono/html'
import { METHODS } from './frame.ts'

type Document = ReturnType<OpenAPIHono['getOpenAPI31Document']>
type Paths = NonNullable<Document['paths']>
type Operation = NonNullable<Paths[string]['get']>
type Content = NonNullable<Extract<Operation['requestBody'], { content: unknown }>>['content']
type Html = ReturnType<typeof html>

export const DOCS_HEADERS = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy':
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
}

/** The document as a page that needs nothing from elsewhere, not even a script. */
export async function docsPage(document: Document): Promise<string> {
  const operations = Object.entries(document.paths ?? {}).flatMap(([path, item]) =>
    METHODS.flatMap((method) => {
      const operation = item[method]
      return operation ? [{ path, method: method.toUpperCase(), operation }] : []
    }),
  )
  const tags = [...new Set(operations.map(({ operation }) => tagOf(operation)))]
  const page = await html`<!doctype html>
    <html lang="en">
      <meta charset="utf-8" />
      <meta name="viewport" content="width=device-width, initial-scale=1" />
      <title>${document.info.title}</title>
      ${raw(`<style>${STYLE}</style>`)}
      <h1>${document.info.title}</h1>
      <p>${prose(document.info.description)}</p>
      <p>The same for programs: <a href="openapi.json">openapi.json</a></p>
      ${tags.map(
        (tag) =>
          html`<h2>${tag}</h2>
            ${operations
              .filter(({ operation }) => tagOf(operation) === tag)
              .map(({ path, method, operation }) => section(path, method, operation))}`,
      )}
      <h2>Schemas</h2>
      ${Object.entries(document.components?.schemas ?? {}).map(
        ([name, schema]) =>
          html`<h3 id="${name}">${name}</h3>
            ${json(schema)}`,
      )}
    </html>`
  return String(page)
}

function section(path: string, method: string, operation: Operation): Html {
  const parameters = (operation.parameters ?? []).filter((parameter) => 'name' in parameter)
  const body =
    operation.requestBody && 'content' in operation.requestBody
      ? operation.requestBody.content
      : undefined
  return html`<details id="${operation.operationId}">
    <summary><b>${method}</b> <code>${path}</code> ${prose(operation.summary)}</summary>
    ${operation.description ? html`<p>${prose(operation.description)}</p>` : ''}
    ${
      parameters.length > 0
        ? html`<table>
            ${parameters.map(
              ({ name, in: where, description, required }) =>
                html`<tr>
                  <td><code>${name}</code></td>
                  <td>${where}${required ? '' : ', optional'}</td>
                  <td>${prose(description)}</td>
                </tr>`,
            )}
          </table>`
        : ''
    }
    ${
      body
        ? html`<h4>Body</h4>
            ${contents(body)}`
        : ''
    }
    ${Object.entries(operation.responses ?? {}).map(
      ([status, response]: [string, { description?: string; content?: Content }]) =>
        html`<h4>${status}: ${prose(response.description)}</h4>
          ${status < '400' ? contents(response.content ?? {}) : ''}`,
    )}
  </details>`
}

function contents(content: Content): Html {
  return html`${Object.entries(content).map(
    ([type, { schema, example, examples }]) =>
      html`<p>${type}</p>
        ${example === undefined ? '' : json(example)}
        ${Object.entries(examples ?? {}).map(([name, shown]) =>
          'value' in shown
            ? html`<p>${name}</p>
                ${json(shown.value)}`
            : '',
        )}
        <details>
          <summary>Schema</summary>
          ${json(schema)}
        </details>`,
  )}`
}

/** Descriptions have code between backticks, as in Markdown, and nothing else of it. */
function prose(text = ''): Html {
  return html`${text.split('`').map((part, n) => (n % 2 === 1 ? html`<code>${part}</code>` : part))}`
}

function json(value: unknown): Html {
  return html`<pre>${JSON.stringify(value, null, 2)}</pre>`
}

function tagOf(operation: Operation): string {
  return operation.tags?.[0] ?? 'Other'
}

const STYLE = `body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222;background:#fff;overflow-wrap:anywhere}
details{border:1px solid #ccc;border-radius:4px;margin:.5rem 0;padding:.5rem 1rem}summary{cursor:pointer}
pre{background:#f4f4f4;padding:.75rem;overflow:auto;border-radius:4px}table{display:block;overflow-x:auto}td{padding:.1rem .75rem .1rem 0;vertical-align:top;overflow-wrap:break-word}
code{font:.9em ui-monospace,monospace;background:#f4f4f4;border-radius:3px;padding:0 .2em}
@media(prefers-color-scheme:dark){body{color:#ddd;background:#181818}pre,code{background:#252525}details{border-color:#444}a{color:#8bf}}`
