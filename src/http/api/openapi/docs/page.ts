import { html, raw } from 'hono/html'
import type { Document } from '../kind.ts'
import { METHODS } from '../document.ts'
import { curl } from './curl.ts'
import { fieldTable, json, parameterTable, prose, resolved, type Html } from './fields.ts'
import { introduction, PARTS } from './intro.ts'
import { SCRIPT, STYLE } from './look.ts'

type Operation = NonNullable<NonNullable<Document['paths']>[string]['get']>
type Content = NonNullable<Extract<Operation['requestBody'], { content: unknown }>>['content']
type Schemas = NonNullable<NonNullable<Document['components']>['schemas']>

interface Call {
  readonly path: string
  readonly method: string
  readonly operation: Operation
}

const EVENTS = 'Events'
const PROBLEM = '#/components/schemas/Problem'

/** The document as a page that is complete without other pages. */
export async function docsPage(document: Document): Promise<string> {
  const schemas = document.components?.schemas ?? {}
  const calls = Object.entries(document.paths ?? {}).flatMap(([path, item]) =>
    METHODS.flatMap((method) => {
      const operation = item[method]
      return operation ? [{ path, method: method.toUpperCase(), operation }] : []
    }),
  )
  const tags = Map.groupBy(calls, ({ operation }) => operation.tags?.[0] ?? 'Other')
  const posts = Object.values(document.webhooks ?? {}).flatMap(({ post }) => (post ? [post] : []))
  const page = await html`<!doctype html>
    <html lang="en">
      <meta charset="utf-8" />
      <meta name="viewport" content="width=device-width, initial-scale=1" />
      <title>${document.info.title}</title>
      ${raw(`<style>${STYLE}</style>`)}
      <a class="skip" href="#main">Skip to the text</a>
      ${contents(tags, posts, schemas)}
      <main id="main">
        <h1>${document.info.title} API</h1>
        <p>${prose(document.info.description)}</p>
        <div id="found" role="status"></div>
        ${introduction(fieldTable({ $ref: PROBLEM }, schemas, 'answered'))}
        ${[...tags].map(
          ([tag, its]) =>
            html`<section>
              <h2 id="${anchor(tag)}">${tag}</h2>
              ${its.map((call) => section(call, schemas))}
            </section>`,
        )}
        ${posts.map((post) => events(post, schemas))}
      </main>
      ${raw(`<script>${SCRIPT}</script>`)}
    </html>`
  return String(page)
}

function contents(tags: Map<string, Call[]>, posts: readonly Operation[], schemas: Schemas): Html {
  return html`<nav>
    <input id="search" type="search" placeholder="Search" aria-label="Search this page" hidden />
    ${Object.entries(PARTS).map(([name, title]) => html`<a href="#${name}">${title}</a>`)}
    ${[...tags].map(
      ([tag, its]) =>
        html`<div>
          <b>${tag}</b>
          ${its.map(
            ({ method, operation: { operationId, summary } }) =>
              html`<a href="#${operationId}" title="${summary}"
                ><i>${method}</i> ${operationId}</a
              >`,
          )}
        </div>`,
    )}
    ${posts.map(
      (post) =>
        html`<div>
          <b>${EVENTS}</b><a href="#${post.operationId}">how they are posted</a>
          ${topics(post, schemas).map(([topic]) => html`<a href="#${topic}">${topic}</a>`)}
        </div>`,
    )}
  </nav>`
}

function section({ path, method, operation }: Call, schemas: Schemas): Html {
  const { operationId = '', summary, description } = operation
  const parameters = parametersOf(operation)
  const { 'application/json': body, ...files } = bodyOf(operation)
  const [fileType] = Object.keys(files)
  const examples = Object.entries(body?.examples ?? {})
  return part(
    operationId,
    html`<i>${method}</i> <code>${path}</code> ${prose(summary)} <small>${operationId}</small>`,
    html`${description ? html`<p>${prose(description)}</p>` : ''}
    ${(examples.length > 0 ? examples : [['', { value: undefined }] as const]).map(
      ([name, shown]) =>
        html`${examples.length > 1 ? html`<small>${name}</small>` : ''}
          <pre class="sh">
${curl(method, path, parameters, 'value' in shown ? shown.value : undefined, fileType)}</pre>`,
    )}
    ${
      parameters.length > 0
        ? html`<h4>Parameters</h4>
            ${parameterTable(parameters, schemas)}`
        : ''
    }
    ${
      body
        ? html`<h4>Body</h4>
            ${prose(body.schema && resolved(body.schema, schemas).description)}
            ${fieldTable(body.schema, schemas, 'sent')}`
        : ''
    }
    ${answers(operation, schemas)}`,
  )
}

function answers({ responses = {} }: Operation, schemas: Schemas): Html {
  return html`${Object.entries(responses).map(
    ([status, { description, content = {} }]: [
      string,
      { description?: string; content?: Content },
    ]) =>
      html`<h4>${status}: ${prose(description)}</h4>
        ${
          status < '400'
            ? Object.entries(content).map(
                ([type, { schema, example }]) =>
                  html`${type === 'application/json' ? '' : html`<p>${type}</p>`}
                  ${fieldTable(schema, schemas, 'answered')}
                  ${example === undefined ? '' : json(example)}`,
              )
            : ''
        }`,
  )}`
}

/** The post of a webhook, and the event of each topic. */
function events(post: Operation, schemas: Schemas): Html {
  const { operationId = '', summary, description } = post
  const examples = bodyOf(post)['application/json']?.examples ?? {}
  return html`<section>
    <h2 id="events">${EVENTS}</h2>
    <p>${prose(description)}</p>
    ${part(
      operationId,
      html`<i>POST</i> ${prose(summary)} <small>${operationId}</small>`,
      html`<h4>Headers</h4>
        ${parameterTable(parametersOf(post), schemas)} ${answers(post, schemas)}`,
    )}
    ${topics(post, schemas).map(([topic, $ref]) => {
      const example = examples[topic]
      return part(
        topic,
        html`<code>${topic}</code> ${prose(resolved({ $ref }, schemas).description)}`,
        html`${fieldTable({ $ref }, schemas, 'answered')}
        ${example && 'value' in example ? json(example.value) : ''}`,
      )
    })}
  </section>`
}

/** A part that the search shows or hides. The anchor is inside: a browser opens the details for it. */
function part(name: string, summary: Html, content: Html): Html {
  return html`<details class="part" data-name="${name}">
    <summary>${summary} <a href="#${name}" aria-label="Link">#</a></summary>
    <a id="${name}"></a>${content}
  </details>`
}

function parametersOf({ parameters = [] }: Operation) {
  return parameters.filter((one) => 'name' in one)
}

function bodyOf({ requestBody }: Operation): Content {
  return requestBody && 'content' in requestBody ? requestBody.content : {}
}

function topics(post: Operation, schemas: Schemas): [string, string][] {
  const schema = bodyOf(post)['application/json']?.schema
  const { discriminator } = schema ? resolved(schema, schemas) : {}
  return Object.entries(discriminator?.mapping ?? {})
}

function anchor(tag: string): string {
  return `tag-${tag.toLowerCase().replaceAll(' ', '-')}`
}
