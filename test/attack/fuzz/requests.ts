/** Requests as real clients send them, and what chance makes of them. */
import { micromdm, own } from './admins.ts'
import { deviceMessage, enroll, migration, scep } from './devices.ts'
import { kmfddm } from './kmfddm.ts'
import type { FuzzRequest, Material } from './material.ts'
import { oddString } from './mutate.ts'
import { chanceOf, type Chance } from './random.ts'

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']
const ODD_METHODS = [...METHODS, 'PROPFIND', 'QUERY', 'X']

/** Request `index` of a run: always the same for the same seed and material. */
export function makeRequest(material: Material, seed: number, index: number): FuzzRequest {
  const chance = chanceOf(seed, index)
  const make = chance.pick([
    deviceMessage,
    deviceMessage,
    deviceMessage,
    scep,
    enroll,
    migration,
    own,
    own,
    own,
    micromdm,
    micromdm,
    kmfddm,
  ])
  return onTheWay(make(material, chance), chance)
}

/** Changes of HTTP itself, now and then. */
function onTheWay(request: FuzzRequest, chance: Chance): FuzzRequest {
  const { kind } = request
  if (chance.often(0.85)) {
    return request
  }
  switch (chance.int(4)) {
    case 0:
      return { ...request, method: chance.pick(ODD_METHODS) }
    case 1:
      return { ...request, target: oddTarget(request.target, chance) }
    case 2:
      return { ...request, headers: [...request.headers, ...oddHeaders(chance, kind)] }
    default:
      return request.body.length === 0 ? request : inChunks(request)
  }
}

function inChunks(request: FuzzRequest): FuzzRequest {
  const head = Buffer.from(`${request.body.length.toString(16)}\r\n`)
  return {
    ...request,
    headers: [...request.headers, ['Transfer-Encoding', 'chunked']],
    body: Buffer.concat([head, request.body, Buffer.from('\r\n0\r\n\r\n')]),
  }
}

function oddTarget(target: string, chance: Chance): string {
  const odd = encodeURIComponent(oddString(chance).toWellFormed())
  return chance.pick([
    `${target}/`,
    `/${target}`,
    target.toUpperCase(),
    target.replace('/', '/./'),
    `${target}/../${odd}`,
    `${target}%00`,
    `${target}%zz`,
    `${target}%2f${odd}`,
    `${target}${target.includes('?') ? '&' : '?'}a=${odd}&a=&=&&__proto__=1`,
    `${target}?${'a'.repeat(6000)}`,
    `${target}?%`,
    `${target};a=b`,
    `http://127.0.0.1${target}`,
    `*`,
  ])
}

function oddHeaders(chance: Chance, kind: FuzzRequest['kind']): [string, string][] {
  const long = 'A'.repeat(chance.pick([100, 8000]))
  return chance.pick<[string, string][]>([
    [['Content-Type', 'multipart/form-data']],
    [['Content-Type', 'application/json; charset=utf-7']],
    [['Content-Type', long]],
    [['Content-Encoding', 'gzip']],
    [['Content-Encoding', 'br']],
    [['Accept-Encoding', 'gzip;q=1e9, *']],
    [['Range', 'bytes=5-1']],
    [['If-None-Match', '*']],
    [['Cookie', `a=${long}`]],
    [
      ['X-Forwarded-For', '::1'],
      ['X-Forwarded-Proto', 'gopher'],
    ],
    [['CF-Connecting-IP', oddLatin(chance)]],
    [['X-Actor', oddLatin(chance)]],
    [['Idempotency-Key', oddLatin(chance)]],
    [['Idempotency-Key', long]],
    [
      ['Mdm-Signature', 'AA=='],
      ['Mdm-Signature', 'AA=='],
    ],
    [['Host', chance.pick(['a', 'a b', '[', '127.0.0.1:99999', '', 'ü'])]],
    // Devices send no credentials; an admin's second ones take the place of none.
    ...(kind === 'device' ? [[['Authorization', `Basic ${long}`]] as [string, string][]] : []),
  ])
}

/** What may stand in a header. */
const oddLatin = (chance: Chance): string => oddString(chance).replaceAll(/[^\t\x20-\x7e]/g, '')
