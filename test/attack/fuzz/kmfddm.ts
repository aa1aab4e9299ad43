/** Requests of KMFDDM's clients. */
import type { FuzzRequest, Material } from './material.ts'
import { type Json, mutateBytes, mutateJson, oddString } from './mutate.ts'
import type { Chance } from './random.ts'

const TYPES = [
  'com.apple.activation.simple',
  'com.apple.configuration.management.test',
  'com.apple.management.properties',
  'com.apple.asset.data',
  'com.example',
]
const READS = [
  'declaration-sets',
  'declaration-status',
  'status-errors',
  'status-values',
  'status-report',
]

export function kmfddm(material: Material, chance: Chance): FuzzRequest {
  const name = (): string =>
    encodeURIComponent(
      chance.pick(['ex.a', 'ex.b', ...material.targets, oddString(chance)]).toWellFormed(),
    )
  const [method, target, body] = chance.pick<readonly [string, string, Json?]>([
    ['PUT', 'declarations', declaration(chance)],
    ['PUT', 'declarations?nonotify=1', declaration(chance)],
    ['GET', `declarations/${name()}`],
    ['DELETE', `declarations/${name()}`],
    ['POST', `declarations/${name()}/touch`],
    ['PUT', `set-declarations/${name()}?declaration=${name()}`],
    ['DELETE', `set-declarations/${name()}?declaration=${name()}`],
    ['PUT', `enrollment-sets/${name()}?set=${name()}`],
    ['DELETE', `enrollment-sets/${name()}?set=${name()}`],
    ['DELETE', `enrollment-sets-all/${name()}`],
    ['POST', `notify?declaration=${name()}&set=${name()}&id=${name()}`],
    ['GET', `${chance.pick(READS)}/${name()},${name()}?index=${name()}&prefix=${name()}`],
    ['GET', chance.pick(['tokens', 'declaration-items', `declaration/activation/${name()}`])],
  ])
  const text = body === undefined ? '' : JSON.stringify(mutateJson(body, chance))
  const bytes = new Uint8Array(Buffer.from(text))
  const authorized = chance.often(0.92)
  const pair = `kmfddm:${authorized ? material.apiKey : ''}`
  return {
    kind: 'admin',
    authorized,
    method,
    target: `${chance.pick(['/v1', '/v1', '/api/v1/ddm'])}/${target}`,
    headers: [
      ['Authorization', `Basic ${btoa(pair)}`],
      ['X-Enrollment-ID', chance.pick(material.targets)],
    ],
    body: chance.often(0.8) ? bytes : mutateBytes(bytes, chance),
  }
}

function declaration(chance: Chance): Json {
  return {
    Identifier: chance.pick(['ex.a', 'ex.b', 'ex.c']),
    Type: chance.pick(TYPES),
    Payload: chance.pick<Json>([
      { Echo: '${serial_number}' },
      { StandardConfigurations: ['ex.a', 'ex.b'], Predicate: '(@status(x) == 1)' },
      { ring: [1, { a: null }] },
      [],
    ]),
  }
}
