import { abortAfter } from '../../../clock.ts'
import type { Config } from '../../../config/config.ts'
import type { Env } from '../../../env.ts'
import { reasonOf, OwnError } from '../../../reason.ts'
import { warn } from '../../../log.ts'
import { meaningOf } from '../../../device/reach.ts'
import { enrollmentId, type Enrollment } from '../../../mdm/enrollment.ts'
import type { CheckIn } from '../../../mdm/message.ts'

type DeclarativeManagement = Extract<CheckIn, { messageType: 'DeclarativeManagement' }>

const TIMEOUT = 20_000
const DECLARATION = 'declaration/'

/**
 * Passes a request for declarations on to the server at `DM_URL`, by KMFDDM's interface (docs/micromdm.md).
 * All answers but success become 503, and the device tries again. A 404 deletes the declaration on the
 * device, so it is passed on only for a declaration that the device's last list did not have.
 */
export async function passOn(
  env: Env,
  config: Config,
  message: DeclarativeManagement,
): Promise<Response> {
  const { device, user } = message.enrollment
  const unavailable = (reason: string): Response => {
    warn('ddm:unavailable', { device, endpoint: message.endpoint, reason })
    return new Response(null, { status: 503 })
  }
  if (config.dmUrl === '') {
    return unavailable('DM_URL is not set')
  }
  const url = upstreamUrl(config.dmUrl, message.endpoint)
  if (!url) {
    warn('ddm:refused', { device, endpoint: message.endpoint })
    return new Response(null, { status: 400 })
  }
  let answer: Response
  let body: Uint8Array
  try {
    const id = await upstreamId(env, message.enrollment)
    ;[answer, body] = await fetchUpstream(url, message, {
      id,
      authorization: config.dmAuthorization,
    })
  } catch (error) {
    return unavailable(reasonOf(error))
  }
  const object = env.DEVICE.getByName(device)
  if (answer.status === 404 && message.endpoint.startsWith(DECLARATION)) {
    const identifier = message.endpoint.split('/').slice(2).join('/')
    const listed = await object.listedDeclarations(user)
    return listed.includes(identifier)
      ? unavailable(
          'upstream lost a declaration that it had listed: 404 would delete it on the device',
        )
      : new Response(null, { status: 404 })
  }
  if (answer.status !== 200) {
    return unavailable(`upstream answered ${answer.status}`)
  }
  if (message.endpoint === 'declaration-items') {
    const identifiers = identifiersIn(body)
    if (!identifiers) {
      return unavailable('upstream answered declaration-items with something else')
    }
    await object.keepDeclarations(user, identifiers)
  }
  const type = answer.headers.get('content-type') ?? 'application/json'
  return new Response(body, { headers: body.length > 0 ? { 'content-type': type } : {} })
}

async function fetchUpstream(
  url: string,
  message: DeclarativeManagement,
  { id, authorization }: { readonly id: string; readonly authorization: string },
): Promise<[Response, Uint8Array]> {
  const timeout = abortAfter(TIMEOUT)
  const { enrollment, data } = message
  try {
    const answer = await fetch(url, {
      method: data ? 'PUT' : 'GET',
      // A device's status goes to DM_URL alone: the operator did not set the target of a redirect.
      redirect: 'manual',
      headers: {
        ...(authorization === '' ? {} : { authorization }),
        'x-enrollment-id': id,
        'x-enrollment-type': enrollment.type,
        ...(enrollment.user === '' ? {} : { 'x-enrollment-parentid': enrollment.device }),
        ...(data ? { 'content-type': 'application/json' } : {}),
      },
      signal: timeout.signal,
      ...(data ? { body: data } : {}),
    })
    return [answer, new Uint8Array(await answer.arrayBuffer())]
  } catch (error) {
    throw timeout.signal.aborted ? new OwnError('no answer within 20 s') : error
  } finally {
    timeout.cancel()
  }
}

/**
 * `Endpoint` is no URL: its identifier may hold any characters, dots and slashes included. It is encoded, so
 * that it can name neither another host nor a path above `DM_URL`.
 */
function upstreamUrl(base: string, endpoint: string): string | undefined {
  const [first = '', second, ...rest] = endpoint.split('/')
  const segments = second === undefined ? [first] : [first, second]
  if (rest.length > 0) {
    segments.push(rest.join('/'))
  }
  return segments.some((segment) => segment === '' || /^\.\.?$/.test(segment))
    ? undefined
    : base + segments.map(encodeURIComponent).join('/')
}

/**
 * The enrolment id for the server at `DM_URL`. MicroMDM names a Mac's user by the bare UserID. If the UserID
 * leads to another channel or to several, the id names the device too: a device cannot act for another one by
 * the name of a user.
 */
async function upstreamId(env: Env, { type, device, user }: Enrollment): Promise<string> {
  const meant = type === 'User' ? await meaningOf(env, user) : undefined
  return meant?.kind === 'channel' && meant.claim.device === device
    ? user
    : enrollmentId(device, user)
}

function identifiersIn(body: Uint8Array): string[] | undefined {
  try {
    const items: unknown = JSON.parse(new TextDecoder().decode(body))
    const declarations: unknown = Object(items)['Declarations']
    if (typeof declarations !== 'object' || declarations === null) {
      return undefined
    }
    const kinds: unknown[] = Object.values(declarations).flat()
    return kinds.flatMap((item) => {
      const identifier: unknown = Object(item)['Identifier']
      return typeof identifier === 'string' ? [identifier] : []
    })
  } catch {
    return undefined
  }
}
