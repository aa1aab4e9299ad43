/** The introduction for an integrator. A test runs its shell lines and its receiver. */
import { html } from 'hono/html'
import { SETTINGS_KNOWN } from '../../../../config/known.ts'
import { ERRORS } from '../document.ts'
import { prose, type Html } from './fields.ts'

/** Parts of the page before the operations: anchor and title. */
export const PARTS = {
  start: 'Start',
  authentication: 'Authentication',
  errors: 'Errors',
  lists: 'Lists',
  commands: 'Commands and answers',
  jobs: 'Many devices',
  receiver: 'Receiving events',
  settings: 'Settings of the server',
  clients: 'Generated clients',
}

/** The settings that descriptions name. docs/settings.md has all of them. */
const SETTINGS = SETTINGS_KNOWN.filter(([, , , facts]) => facts?.isInApi)

const id = '$ID'
const shell = (lines: string) => html`<pre class="sh">${lines}</pre>`

const APPLE = 'https://developer.apple.com/documentation/devicemanagement/commands-and-queries'
const LIST = `curl -sS -u "micromdm:$API_KEY" "$URL/api/devices?state=enrolled&limit=10"`
const WAIT = `curl -sS -u "micromdm:$API_KEY" "$URL/api/devices/${id}/commands?wait=30" \\
  -d '{"request_type":"DeviceInformation","queries":["OSVersion","SerialNumber"]}'`
const ONCE = `curl -sS -u "micromdm:$API_KEY" "$URL/api/devices/${id}/commands" \\
  -H 'Idempotency-Key: ticket-7' -d '{"request_type":"SecurityInfo"}'`
const MANY = `curl -sS -u "micromdm:$API_KEY" "$URL/api/commands" \\
  -d '{"filter":{"platform":["macOS"]},"command":{"request_type":"ProfileList"},"pace":600}'`
const HOOK = `curl -sS -u "micromdm:$API_KEY" "$URL/api/webhooks" \\
  -d '{"url":"https://hooks.example.com/edgemdm"}'`

const RECEIVER = `// receiver.mjs; run by: SECRET=whsec_... PORT=9999 node receiver.mjs
import { createHmac, timingSafeEqual } from 'node:crypto'
import { createServer } from 'node:http'

const key = Buffer.from(process.env.SECRET.replace('whsec_', ''), 'base64')

/** Whether our secret signed these bytes within the last five minutes. */
function isOurs(headers, body) {
  const id = headers['webhook-id']
  const at = headers['webhook-timestamp']
  const own = createHmac('sha256', key).update(id + '.' + at + '.').update(body).digest()
  const signed = String(headers['webhook-signature']).split(' ').some((entry) => {
    const theirs = Buffer.from(entry.replace('v1,', ''), 'base64')
    return theirs.length === own.length && timingSafeEqual(theirs, own)
  })
  return signed && Math.abs(Date.now() / 1000 - at) < 300
}

const server = createServer(async (request, response) => {
  const parts = []
  for await (const part of request) parts.push(part)
  const body = Buffer.concat(parts) // check the received bytes: JSON that is written again differs
  if (!isOurs(request.headers, body)) {
    response.writeHead(401).end()
    return
  }
  const event = JSON.parse(body)
  const about = event.acknowledge_event ?? event.checkin_event
  console.log(event.topic, about.ids.id, event.sequence, event.event_id)
  response.writeHead(204).end()
})
server.listen(process.env.PORT ?? 9999, () => console.log('port', server.address().port))
`

export function introduction(errorFields: Html): Html {
  return html`${rules(errorFields)} ${work()} ${setting()}`
}

function chapter(name: keyof typeof PARTS, content: Html): Html {
  return html`<section class="part" data-name="${name}">
    <h2 id="${name}">${PARTS[name]}</h2>
    ${content}
  </section>`
}

function rules(errorFields: Html): Html {
  return html`${chapter(
    'start',
    html`<p>
        <code>URL</code> is the server’s address, without a slash at its end, and
        <code>API_KEY</code> its key. Set both in a shell to run the lines of this page; a line with
        <code>${id}</code> also needs the id of a <a href="#commands">device</a>. Bodies are JSON in
        UTF-8, times are RFC 3339 with their zone. The server refuses parameters and properties that
        an operation does not have.
      </p>
      ${shell(LIST)}`,
  )}
  ${chapter(
    'authentication',
    html`<p>
      The key is a Bearer token (<code>Authorization: Bearer $API_KEY</code>), or the password of
      the user <code>micromdm</code> in HTTP Basic. Call the API from a program: the server refuses
      requests that a browser sends from a page of another origin. Only this page and
      <code>/api/openapi.json</code> are public. A wrong key is 401; the answers to many wrong keys
      from one address are slow, those to the right key never.
    </p>`,
  )}
  ${chapter(
    'errors',
    html`<p>
        An error is a problem document (RFC 9457, <code>application/problem+json</code>):
        <code>detail</code> names the fault and the remedy in words, which may change;
        <code>code</code> is stable, for programs. An invalid request has <code>errors</code>, one
        for each place at fault. <code>request_id</code> is also in the server’s log, and in the
        events that the request caused. Repeat a request after 429 and 503; wait for
        <code>Retry-After</code> if the answer has it. After all other errors, change the request
        first.
      </p>
      ${errorFields}
      <ul>
        ${Object.entries(ERRORS).map(([status, says]) => html`<li>${status}: ${prose(says)}</li>`)}
      </ul>`,
  )}
  ${chapter(
    'lists',
    html`<p>
      A list has <code>items</code>, <code>next</code> and <code>total</code>. A page holds up to
      <code>limit</code> items. Send <code>next</code> as <code>cursor</code> for the next page,
      with the other parameters unchanged; on the last page <code>next</code> is null. Short lists
      have no <code>limit</code> and no <code>cursor</code>: they have one page.
      <code>total</code> is the number of items on all pages; only the first page has it.
      <code>sort</code> names a field, with <code>-</code> for the opposite order. A filter has the
      name of the field that it filters. An answer has all its properties; null means no value.
    </p>`,
  )}`
}

function work(): Html {
  return html`${chapter(
    'commands',
    html`<p>
        The server queues a command and pushes the device; the device connects and answers. With
        <code>wait</code> the same call has the answer: 200 with the device’s answer in
        <code>result</code>, or 202 if the device has not answered within so many seconds. The
        command then continues: <a href="#getCommand">getCommand</a> with its <code>id</code> shows
        its state, and has <code>wait</code> too; the event
        <a href="#mdm.Connect">mdm.Connect</a> reports the answer. The event belongs to the command
        with the same <code>command_uuid</code> and with the event’s <code>ids.id</code> as
        <code>enrollment_id</code>. Compare both, because a job gives all its devices one
        <code>command_uuid</code>.
      </p>
      <p>
        <code>${id}</code> in the lines is an <code>id</code> from
        <a href="#listDevices">listDevices</a>: set <code>ID=…</code> before.
      </p>
      ${shell(WAIT)}
      <p>
        Apple lists the request types and their keys under
        <a href="${APPLE}" rel="noreferrer">Commands and queries</a>. A body has Apple’s keys in
        <code>Command</code>, or beside <code>request_type</code> in snake_case, as
        <code>queries</code> above. The server refuses a wrong name, and suggests the nearest one.
      </p>
      <p>
        A command has ended when <code>ended_at</code> is not null. A repeated request to the same
        device with the same <code>Idempotency-Key</code> queues nothing, and answers with the state
        of the first command. The key is known as long as its command is kept. queueCommand,
        queueCommands and replay read the header; other operations ignore it.
      </p>
      ${shell(ONCE)}`,
  )}
  ${chapter(
    'jobs',
    html`<p>
        One command to many devices is a job. Up to 20 devices without <code>pace</code> are done
        within the call: 200. For more devices the answer is 202, and the job continues. Call
        <a href="#getJob">getJob</a> with its <code>id</code> every few seconds, until
        <code>state</code> is no longer <code>running</code>: <code>done</code>,
        <code>failed</code> and <code>waiting</code> count its devices.
        <a href="#listOutcomes">listOutcomes</a> shows the outcome of each device, with the
        <code>command_id</code> for <a href="#getCommand">getCommand</a>.
      </p>
      ${shell(MANY)}`,
  )}`
}

function setting(): Html {
  return html`${chapter(
    'receiver',
    html`<p>
        One call creates a webhook; only its answer shows the secret. The server posts
        <a href="#events">events</a> to its URL, signed by the rules of
        <a href="#receiveEvent">Standard Webhooks</a>. This receiver accepts only signed and fresh
        posts. An event can come more than once: <code>event_id</code> shows duplicates.
      </p>
      ${shell(HOOK)}
      <pre id="receiver-code">${RECEIVER}</pre>
      <p>
        A secret of your own that does not begin with <code>whsec_</code> signs only
        <code>X-Hmac-Signature</code>: posts then have no <code>webhook-signature</code>, and this
        receiver refuses them.
      </p>`,
  )}
  ${chapter(
    'settings',
    html`<p>Descriptions name these settings of the server. The second column is the default.</p>
      <table>
        ${SETTINGS.map(
          ([name, usual, says]) =>
            html`<tr>
              <th><code>${name}</code></th>
              <td>${usual}</td>
              <td>${prose(says)}</td>
            </tr>`,
        )}
      </table>`,
  )}
  ${chapter(
    'clients',
    html`<p>
      <a href="openapi.json">openapi.json</a> is this page for programs, as OpenAPI 3.1. Tests
      generate clients from it with openapi-typescript and oazapfts, and use them against a server.
      A client must ignore fields, events and values of enumerations that it does not know: new ones
      may come.
    </p>`,
  )}`
}
