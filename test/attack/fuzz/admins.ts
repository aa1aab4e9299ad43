/** Requests of admins. */
import { commandTypes } from '../../../src/commands/request-types.ts'
import { writePlist } from '../../../src/plist/write.ts'
import { REQUESTS } from '../../unit/commands/requests.ts'
import { basicAuth } from '../scene.ts'
import type { WireRequest } from '../wire.ts'
import type { FuzzRequest, Material } from './material.ts'
import { type Json, mutateBytes, mutateJson, oddString } from './mutate.ts'
import type { Chance } from './random.ts'

/** A route of our own API, as its document has it. */
export function own(material: Material, chance: Chance): FuzzRequest {
  const operation = chance.pick(material.operations)
  const kind = operation.path.split('/')[2]
  const path = operation.path.replaceAll(/\{\w+\}/g, () =>
    encodeURIComponent(someId(material, chance, kind)),
  )
  const query = operation.query
    .filter(() => chance.often(0.3))
    .map(({ name, example }) => `${name}=${encodeURIComponent(queryValue(name, example, chance))}`)
  const body = operation.bodies.length > 0 ? chance.pick(operation.bodies) : undefined
  return admin(material, chance, {
    method: operation.method,
    target: path + (query.length > 0 ? `?${query.join('&')}` : ''),
    body: body === undefined ? new Uint8Array() : json(withIds(body, material, chance), chance),
  })
}

function queryValue(name: string, example: string, chance: Chance): string {
  // A call may wait for a device for up to a minute; it is not to.
  const odd = name === 'wait' ? chance.pick(['0', '-1', '61', '1e1', 'x', '']) : oddString(chance)
  return chance.often(0.3) && name !== 'wait' ? example : odd.toWellFormed()
}

/** Mostly one that there is. */
function someId({ targets, ids }: Material, chance: Chance, kind = ''): string {
  const known = chance.pick(ids[kind] ?? targets)
  return chance.often(0.75)
    ? known
    : (chance.often(0.5) ? known + oddString(chance) : oddString(chance)).toWellFormed()
}

/** The examples' ids become ones that there are. */
function withIds(body: Json, material: Material, chance: Chance): Json {
  const text = JSON.stringify(body)
  return JSON.parse(
    text
      .replaceAll(/[0-9A-F]{8}-[0-9A-F]{4}-[0-9A-F]{4}-[0-9A-F]{4}-[0-9A-F]{12}/gi, () =>
        chance.pick(material.targets),
      )
      .replaceAll(/https?:\/\/[^"]*/g, 'http://127.0.0.1:9/'),
  )
}

/** MicroMDM's routes. */
export function micromdm(material: Material, chance: Chance): FuzzRequest {
  const id = encodeURIComponent(someId(material, chance))
  const to = chance.pick(material.targets)
  const type = chance.pick(commandTypes())
  const payload = writePlist({ CommandUUID: 'A', Command: { RequestType: type } })
  const [method, target, body] = chance.pick<
    readonly [string, string, Json | Uint8Array | undefined]
  >([
    ['POST', '/v1/commands', { udid: to, request_type: type, ...(REQUESTS[type]?.json as object) }],
    ['POST', '/v1/commands', { udid: to, request_type: type, ...(REQUESTS[type]?.json as object) }],
    [
      'POST',
      `/api/devices/${to}/commands`,
      { request_type: type, ...(REQUESTS[type]?.json as object) },
    ],
    ['POST', `/v1/commands/${id}`, payload],
    ['GET', `/v1/commands/${id}`, undefined],
    ['DELETE', `/v1/commands/${id}`, undefined],
    ['POST', '/v1/devices', { filter_serial: ['C02'], filter_udid: [to] }],
    ['DELETE', '/v1/devices', { opts: { udids: [to], serials: ['C02'] } }],
    ['POST', `/v1/devices/${to}/block`, undefined],
    ['POST', `/v1/devices/${id}/unblock`, undefined],
    ['POST', '/v1/profiles', { id: 'com.example' }],
    [
      'PUT',
      '/v1/profiles',
      { profile: { Identifier: 'com.example', Mobileconfig: btoa('<plist/>') } },
    ],
    ['DELETE', '/v1/profiles', { ids: ['com.example'] }],
    ['GET', `/push/${id}?expiration=${chance.pick(['1', 'x', '-1', '1e9'])}`, undefined],
    ['POST', `/v1/push/${id}`, undefined],
    ['POST', '/v1/challenge', undefined],
    ['GET', '/v1/config/certificate', undefined],
    ['PUT', '/v1/config/certificate', { cert: btoa('x'), key: btoa('x') }],
    ['GET', '/boltbackup', undefined],
    ['GET', '/version', undefined],
  ])
  return admin(material, chance, {
    method,
    target,
    body:
      body === undefined
        ? new Uint8Array()
        : body instanceof Uint8Array
          ? chance.often(0.5)
            ? body
            : mutateBytes(body, chance)
          : json(body, chance),
  })
}

function json(value: Json, chance: Chance): Uint8Array {
  let changed = value
  for (let changes = chance.int(3); changes > 0; changes--) {
    changed = mutateJson(changed, chance)
  }
  const whole = JSON.stringify(changed)
  const text = chance.often(0.9) ? whole : oddText(whole, chance)
  const bytes = new Uint8Array(Buffer.from(text))
  // A bit in a URL would lead to another machine.
  return chance.often(0.85) || text.includes('://') ? bytes : mutateBytes(bytes, chance)
}

/** What some readers of JSON take, and others do not. */
function oddText(text: string, chance: Chance): string {
  return chance.pick([
    `\u{feff}${text}`,
    `${text}${text}`,
    `${text} x`,
    ` \n${text}\0`,
    text.replace(/"([^"]*)":/, '"$1":1,$&'),
    text.replaceAll('"', "'"),
    text.replace(/:("[^"]*"|\d+)/, ':NaN'),
    text.replace(/:("[^"]*"|\d+)/, ':1e99999'),
    text.replace(/:("[^"]*"|\d+)/, ':"\\ud800\\u0000"'),
    text.replace('{', '{/**/'),
    text.replace(/[}\]]$/, ',$&'),
    '',
    'null',
  ])
}

function admin(
  { apiKey }: Material,
  chance: Chance,
  request: Pick<WireRequest, 'method' | 'target' | 'body'>,
): FuzzRequest {
  const authorized = chance.often(0.92)
  const credentials: [string, string][] = authorized
    ? [['Authorization', basicAuth(apiKey)]]
    : chance.pick<[string, string][]>([
        [],
        [['Authorization', basicAuth('')]],
        [['Authorization', basicAuth(apiKey.slice(1))]],
        [['Authorization', `Digest ${apiKey}`]],
        [['Authorization', `Basic ${btoa(`micromdm2:${apiKey}`)}`]],
        [['Authorization', `Basic ${'A'.repeat(5000)}`]],
        [['Authorization', 'Basic %%%']],
      ])
  const types = ['application/json', 'text/plain', 'application/x-www-form-urlencoded', '']
  return {
    kind: 'admin',
    authorized,
    headers: [...credentials, ['Content-Type', chance.pick(types)]],
    ...request,
  }
}
