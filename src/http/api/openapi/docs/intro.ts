/** What an integrator has to know beside the operations. Its shell lines and its receiver are run by a test. */
import { html } from 'hono/html'
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

/** Those that descriptions name: the others are the operator's alone (docs/settings.md). */
const SETTINGS = [
  [
    'WEBHOOK_URL',
    'none',
    'an address for events in MicroMDM’s form: a webhook that vars alone set',
  ],
  [
    'KEEP_RESULTS',
    '100/30d',
    'commands with their answers that a channel keeps: the newest 100, each for 30 days; also `none` or `latest`',
  ],
  [
    'KEEP_EVENTS',
    '100/30d',
    'events of a device that are kept for replay: the newest 100, each for 30 days; also `none`',
  ],
  ['MAX_QUEUE', '10000', 'commands that may wait on a channel'],
  [
    'DEFERRED_AFTER',
    '10/1d',
    'after 10 NotNows to a command, or one day of them, there is the event `command.deferred`',
  ],
  ['LAST_SEEN_RESOLUTION', '24h', 'how far `last_seen_at` in lists may lag; `npm start`: `1m`'],
  [
    'ALLOW_PRIVATE_WEBHOOKS',
    'false',
    'whether webhooks may lead to private networks; `npm start`: `true`',
  ],
] as const

const id = '$ID'
const shell = (lines: string) => html`<pre class="sh">${lines}</pre>`

const APPLE = 'https://developer.apple.com/documentation/devicemanagement/commands-and-queries'
const LIST = `curl -sS -u "micromdm:$API_KEY" "$URL/api/devices?state=enrolled&limit=10"`
const WAIT = `curl -sS -u "micromdm:$API_KEY" "$URL/api/devices/${id}/commands?wait=30" \\
  -d '{"request_type":"DeviceInformation","queries":["OSVersion","SerialNumber"]}'`
const ONCE = `curl -sS -u "micromdm:$API_KEY" -H 'Idempotency-Key: ticket-7' "$URL/api/devices/${id}/commands" \\
  -d '{"request_type":"SecurityInfo"}'`
const MANY = `curl -sS -u "micromdm:$API_KEY" "$URL/api/commands" \\
  -d '{"filter":{"platform":["macOS"]},"command":{"request_type":"ProfileList"},"pace":600}'`
const HOOK = `curl -sS -u "micromdm:$API_KEY" "$URL/api/webhooks" -d '{"url":"https://hooks.example.com/edgemdm"}'`

const RECEIVER = `// receiver.mjs; run by: SECRET=whsec_... PORT=9999 node receiver.mjs
import { createHmac, timingSafeEqual } from 'node:crypto'
import { createServer } from 'node:http'

const key = Buffer.from(process.env.SECRET.replace('whsec_', ''), 'base64')

/** Whether these bytes were signed with our secret within the last five minutes. */
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
  const body = Buffer.concat(parts) // sign what came: JSON that is read and written again differs
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
  return html`${manners(errorFields)} ${work()} ${surroundings()}`
}

function chapter(name: keyof typeof PARTS, content: Html): Html {
  return html`<section class="part" data-name="${name}">
    <h2 id="${name}">${PARTS[name]}</h2>
    ${content}
  </section>`
}

/** What holds for each call. */
function manners(errorFields: Html): Html {
  return html`${chapter(
    'start',
    html`<p>
        <code>URL</code> is the server’s address, without a slash at its end, and
        <code>API_KEY</code> its key. Each line on this page can be pasted into a shell that has
        both; one with <code>${id}</code> wants a <a href="#commands">device</a> too. Bodies are
        JSON in UTF-8, times are RFC 3339 with their zone. Parameters and properties that an
        operation does not have are refused.
      </p>
      ${shell(LIST)}`,
  )}
  ${chapter(
    'authentication',
    html`<p>
      The key is a Bearer token (<code>Authorization: Bearer $API_KEY</code>), or the password of
      the user <code>micromdm</code> in HTTP Basic. Call the API from a program: what a browser
      sends from a page of another origin is refused. Only this page and
      <code>/api/openapi.json</code> are public. A wrong key is 401; many wrong ones from one
      address are slowed, the right one never.
    </p>`,
  )}
  ${chapter(
    'errors',
    html`<p>
        An error is a problem document (RFC 9457, <code>application/problem+json</code>):
        <code>detail</code> says in words what is wrong and what to do, and may change;
        <code>code</code> stays as it is, for programs to tell errors apart. A request that is not
        valid has <code>errors</code>, one for each place at fault, as far as there are places.
        <code>request_id</code> is in the server’s log too, and in the events that the request
        caused. 429 and 503 may be tried again, after <code>Retry-After</code> where it is sent.
        Other errors stay until the request is another.
      </p>
      ${errorFields}
      <ul>
        ${Object.entries(ERRORS).map(([status, says]) => html`<li>${status}: ${prose(says)}</li>`)}
      </ul>`,
  )}
  ${chapter(
    'lists',
    html`<p>
      A list is <code>items</code>, <code>next</code> and <code>total</code>. A page holds up to
      <code>limit</code> items; <code>next</code> is the <code>cursor</code> of the next page, with
      the other parameters unchanged, and null on the last page. Lists that are never long have no
      <code>limit</code> and <code>cursor</code>, and come in one page. <code>total</code> counts
      all pages, on the first one. Where an operation has <code>sort</code>, it names a field, with
      <code>-</code> for the opposite order. A filter has the name of the field that it filters.
      Every property of an answer is there; null is one without a value.
    </p>`,
  )}`
}

/** What a client does with them. */
function work(): Html {
  return html`${chapter(
    'commands',
    html`<p>
        A command is queued for a device, pushed, and answered when the device comes.
        <code>wait</code> answers in the same call: 200 with the device’s answer in
        <code>result</code>, or 202 when it has not come within so many seconds. The command then
        goes on: <a href="#getCommand">getCommand</a> with its <code>id</code> tells how far it is,
        and takes <code>wait</code> too, or listen to the event
        <a href="#mdm.Connect">mdm.Connect</a>. It is about the command with the same
        <code>command_uuid</code> whose <code>enrollment_id</code> is the event’s
        <code>ids.id</code>: it takes both, because a job gives all its devices one
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
        <code>queries</code> above. A wrong name is refused with the nearest right one.
      </p>
      <p>
        A command is over when <code>ended_at</code> is not null. A request that is sent again to
        the same device with the same <code>Idempotency-Key</code> queues nothing, and answers the
        same command as it then is. A key is known as long as its command is kept. queueCommand,
        queueCommands and replay take the header; others ignore it.
      </p>
      ${shell(ONCE)}`,
  )}
  ${chapter(
    'jobs',
    html`<p>
        One command to many devices is a job. Up to 20 devices without <code>pace</code> are done
        within the call: 200. More are 202, and the job goes on by itself. Follow it by
        <a href="#getJob">getJob</a> with its <code>id</code> every few seconds, until
        <code>state</code> is no longer <code>running</code>: <code>done</code>,
        <code>failed</code> and <code>waiting</code> count its devices.
        <a href="#listOutcomes">listOutcomes</a> tells what became of each device, and the
        <code>command_id</code> with which <a href="#getCommand">getCommand</a> tells its answer.
      </p>
      ${shell(MANY)}`,
  )}`
}

/** What else has to be there. */
function surroundings(): Html {
  return html`${chapter(
    'receiver',
    html`<p>
        A webhook is made by one call, which shows its secret this once.
        <a href="#events">Events</a> are posted to its URL, signed as
        <a href="#receiveEvent">Standard Webhooks</a> do. This receiver takes what is signed and
        fresh, and nothing else. Events come at least once: <code>event_id</code> tells duplicates.
      </p>
      ${shell(HOOK)}
      <pre id="receiver-code">${RECEIVER}</pre>
      <p>
        A secret of your own that does not begin with <code>whsec_</code> signs by
        <code>X-Hmac-Signature</code> only: posts then have no <code>webhook-signature</code>, and
        this receiver refuses them.
      </p>`,
  )}
  ${chapter(
    'settings',
    html`<p>Descriptions name what the operator of the server may set; the default is beside it.</p>
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
      A client has to pass over fields, events and values of enumerations that it does not know:
      more may come.
    </p>`,
  )}`
}
