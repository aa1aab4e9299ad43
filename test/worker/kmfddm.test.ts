import { describe, expect, it } from 'vitest'
import { answer, echo, JSON_TYPE, KMFDDM, send, TEXT } from './kmfddm-tools.ts'
import { serve } from './server.ts'

const CHANGED = [204, '', TEXT]
const SAME = [304, '', null]
const error = (status: number, text: string) => [
  status,
  `${JSON.stringify({ error: text })}\n`,
  JSON_TYPE,
]
const list = (...names: string[]) => [
  200,
  `${names.length > 0 ? JSON.stringify(names) : 'null'}\n`,
  JSON_TYPE,
]
describe('the gate', () => {
  it.each([
    '',
    'Basic eDp5',
    KMFDDM.replace('Basic', 'Bearer'),
    `Basic ${btoa('micromdm:test-key')}`,
  ])('refuses the credentials "%s" as KMFDDM does', async (authorization) => {
    for (const path of ['/v1/declarations', '/tokens', '/api/v1/ddm/sets']) {
      const response = await send('GET', path, undefined, { authorization })
      expect(await response.text()).toBe('Unauthorized\n')
      expect(response.status).toBe(401)
      expect(response.headers.get('content-type')).toBe(TEXT)
      expect(response.headers.get('www-authenticate')).toMatch(/^Basic realm="kmfddm"/)
    }
  })

  it.each(['Bearer test-key', `Basic ${btoa('nanohub:test-key')}`])(
    'takes "%s"',
    async (authorization) => {
      const headers = { authorization }
      expect((await send('GET', '/api/v1/ddm/sets', undefined, headers)).status).toBe(200)
    },
  )

  it('stands before each route, and opens no other', async () => {
    const paths = ['/v1/commands/X', '/v1/devices', '/api/devices', '/push/X', '/v1/declarationsX']
    for (const path of paths) {
      expect((await send('GET', path)).status, path).toBe(401)
    }
    for (const path of ['/v1/notify', '/status', '/declaration/a/b', '/api/v1/ddm/x']) {
      expect((await send('OPTIONS', path, undefined, {})).status, path).toBe(401)
    }
  })
})

describe('a path', () => {
  it.each([
    ['/v1/declarations', 'GET, HEAD, PUT, OPTIONS'],
    ['/v1/declarations/X', 'GET, HEAD, DELETE, OPTIONS'],
    ['/v1/declarations/X/touch', 'POST, OPTIONS'],
    ['/v1/sets', 'GET, HEAD, OPTIONS'],
    ['/v1/set-declarations/X', 'GET, HEAD, PUT, DELETE, OPTIONS'],
    ['/v1/declaration-sets/X', 'GET, HEAD, OPTIONS'],
    ['/v1/enrollment-sets/X', 'GET, HEAD, PUT, DELETE, OPTIONS'],
    ['/v1/enrollment-sets-all/sets/X', 'DELETE, OPTIONS'],
    ['/v1/enrollment-sets-all/X', 'DELETE, OPTIONS'],
    ['/v1/notify', 'POST, OPTIONS'],
    ['/v1/declaration-status/X', 'GET, HEAD, OPTIONS'],
    ['/v1/status-errors/X', 'GET, HEAD, OPTIONS'],
    ['/v1/status-values/X', 'GET, HEAD, OPTIONS'],
    ['/v1/status-report/X', 'GET, HEAD, OPTIONS'],
    ['/tokens', 'GET, HEAD, OPTIONS'],
    ['/declaration-items', 'GET, HEAD, OPTIONS'],
    ['/declaration/activation/X', 'GET, HEAD, OPTIONS'],
    ['/status', 'PUT, OPTIONS'],
  ])('says its methods: %s', async (path, allow) => {
    for (const place of [path, path.replace(/^(\/v1)?/, '/api/v1/ddm')]) {
      const options = await send('OPTIONS', place)
      expect([options.status, options.headers.get('allow')]).toEqual([204, allow])
      const wrong = await send('PATCH', place)
      expect(await wrong.text()).toBe('Method Not Allowed\n')
      expect([wrong.status, wrong.headers.get('allow')]).toEqual([405, allow])
      expect(await answer('GET', `${place}/`)).toEqual([404, '404 page not found\n', TEXT])
    }
  })

  it('of MicroMDM and the version are as before', async () => {
    expect((await serve('/version')).status).toBe(200)
    const headers = { authorization: `Basic ${btoa('micromdm:test-key')}` }
    expect((await send('POST', '/v1/devices', {}, headers)).status).toBe(200)
    expect((await send('GET', '/v1/declarations', undefined, headers)).status).toBe(401)
  })
})

describe('a declaration', () => {
  const PATH = '/v1/declarations'

  it('is stored, read, changed and deleted', async () => {
    expect(await answer('PUT', PATH, { ...echo('ex.a'), ServerToken: 'x', More: 1 })).toEqual(
      CHANGED,
    )
    expect(await answer('PUT', PATH, echo('ex.a'))).toEqual(SAME)
    expect(await answer('PUT', `${PATH}?nonotify=1`, echo('ex.a', '<b>'))).toEqual(CHANGED)
    const [status, body, type] = await answer('GET', `${PATH}/ex.a`)
    expect([status, type]).toEqual([200, JSON_TYPE])
    const text =
      '{\n\t"Identifier": "ex.a",\n\t"Type": "com.apple.configuration.management.test",\n' +
      '\t"Payload": {\n\t\t"Echo": "\\u003cb\\u003e"\n\t},\n\t"ServerToken": "TOKEN"\n}'
    expect(body.replace(/[\da-f]{32}/, 'TOKEN')).toBe(text)
    expect((await answer('GET', PATH))[1]).toContain('"ex.a"')
    expect(await answer('HEAD', `${PATH}/ex.a`)).toEqual([200, '', JSON_TYPE])
    expect(await answer('DELETE', `${PATH}/ex.a`)).toEqual(CHANGED)
    expect(await answer('DELETE', `${PATH}/ex.a`)).toEqual(SAME)
    expect(await answer('GET', `${PATH}/ex.a`)).toEqual(error(404, 'declaration not found: ex.a'))
  })

  it('may have keys of any case, any content type, and what Apple’s schema does not have', async () => {
    const given =
      '{"identifier":"ex.any","TYPE":"com.apple.asset.none","payload":{"n":12345678901234567890}}'
    const headers = { authorization: KMFDDM, 'content-type': 'text/csv' }
    expect(await answer('PUT', PATH, given, headers)).toEqual(CHANGED)
    expect((await answer('GET', `${PATH}/ex.any`))[1]).toContain('"n": 12345678901234567890')
    expect(await answer('PUT', PATH, { ...echo('ex.any'), Payload: {} })).toEqual(CHANGED)
    expect((await answer('GET', `${PATH}/ex.any`))[1]).toContain('"Payload": {},')
  })

  it.each<[string, string]>([
    ['', 'unexpected end of JSON input'],
    ['{', 'unexpected end of JSON input'],
    ['nonsense', "invalid character 'o' in literal null (expecting 'u')"],
    ['[]', 'json: cannot unmarshal array into Go value of type ddm.Declaration'],
    ['"x"', 'json: cannot unmarshal string into Go value of type ddm.Declaration'],
    ['null', 'invalid declaration'],
    ['{}', 'invalid declaration'],
    ['{"Identifier":"x","Type":"t"}', 'invalid declaration'],
    ['{"Identifier":"x","Type":"t","Payload":1}', 'invalid declaration'],
    ['{"Identifier":"","Type":"t","Payload":{}}', 'invalid declaration'],
    [
      '{"Identifier":1,"Type":"t","Payload":{}}',
      'json: cannot unmarshal number into Go struct field Declaration.Identifier of type string',
    ],
    [
      '{"Identifier":"x","Type":"t","Payload":{}} x',
      'invalid character after top-level value, or a comma before } or ]',
    ],
  ])('is refused with the words of Go: %s', async (body, text) => {
    expect(await answer('PUT', PATH, body)).toEqual(error(400, text))
  })

  it.each<[string, object, RegExp]>([
    ['Type', { Type: 'com.example.foo' }, /Type: has to begin with com\.apple\.activation/],
    ['Payload', { Payload: [] }, /Payload: has to be a JSON object/],
    ['Identifier', { Identifier: 'edgemdm.x' }, /Identifier: may not begin with edgemdm\./],
  ])('that no device could take is refused: %s', async (_, part, text) => {
    const [status, body] = await answer('PUT', PATH, { ...echo('ex.odd'), ...part })
    expect([status, JSON.parse(body)]).toEqual([400, { error: expect.stringMatching(text) }])
  })

  it('is bounded', async () => {
    const [status, body] = await answer('PUT', PATH, echo('i'.repeat(65)))
    expect([status, body]).toEqual([400, expect.stringMatching(/64/)])
    expect((await answer('PUT', PATH, echo('ex.long', 'x'.repeat(1_000_000))))[0]).toBe(400)
    expect((await answer('PUT', PATH, `{"a":${'['.repeat(5000)}`))[0]).toBe(400)
    expect((await answer('PUT', PATH, ' '.repeat(20_000_001)))[0]).toBe(413)
  })

  it('gets a new token by a touch', async () => {
    await send('PUT', PATH, echo('ex.touch'))
    const tokenOf = async () =>
      /ServerToken": "(.*)"/.exec((await answer('GET', `${PATH}/ex.touch`))[1])?.[1]
    const before = await tokenOf()
    expect(await answer('POST', `${PATH}/ex.touch/touch`)).toEqual(CHANGED)
    expect(await tokenOf()).not.toBe(before)
    expect(await answer('POST', `${PATH}/no/touch`)).toEqual(
      error(404, 'declaration not found: no'),
    )
  })

  it('stays while sets have it', async () => {
    await send('PUT', PATH, echo('ex.used'))
    await send('PUT', '/v1/set-declarations/using?declaration=ex.used')
    const text = 'declaration is referenced by 1 sets: take it out of using'
    expect(await answer('DELETE', `${PATH}/ex.used`)).toEqual(error(500, text))
    expect((await send('GET', `${PATH}/ex.used`)).status).toBe(200)
  })
})

describe('a set', () => {
  const PATH = '/v1/set-declarations/s'

  it('takes declarations and gives them up', async () => {
    await send('PUT', '/v1/declarations', echo('ex.s1'))
    await send('PUT', '/v1/declarations', echo('ex.s2'))
    expect(await answer('GET', PATH)).toEqual(list())
    expect(await answer('PUT', PATH)).toEqual(error(500, 'empty declaration'))
    expect(await answer('PUT', `${PATH}?declaration=no`)).toEqual(
      error(500, 'declaration not found'),
    )
    expect(await answer('PUT', `${PATH}?declaration=ex.s1`)).toEqual(CHANGED)
    expect(await answer('PUT', `${PATH}?declaration=ex.s1&nonotify=1`)).toEqual(SAME)
    expect(await answer('PUT', `${PATH}?declaration=ex.s2`)).toEqual(CHANGED)
    expect(await answer('GET', PATH)).toEqual(list('ex.s1', 'ex.s2'))
    expect((await answer('GET', '/v1/sets'))[1]).toContain('"s"')
    expect(await answer('GET', '/v1/declaration-sets/ex.s1')).toEqual(list('s'))
    expect(await answer('GET', '/v1/declaration-sets/no')).toEqual(list())
    expect(await answer('DELETE', PATH)).toEqual(error(500, 'empty declaration'))
    for (const id of ['ex.s1', 'ex.s2']) {
      expect(await answer('DELETE', `${PATH}?declaration=${id}`)).toEqual(CHANGED)
      expect(await answer('DELETE', `${PATH}?declaration=${id}`)).toEqual(SAME)
    }
    expect(await answer('DELETE', `${PATH}?declaration=no`)).toEqual(SAME)
    expect((await answer('GET', '/v1/sets'))[1]).not.toContain('"s"')
  })

  it('has a name of bounded length that does not stand for all devices', async () => {
    for (const name of ['*', 'x'.repeat(201), 'a%0Ab']) {
      expect((await send('PUT', `/v1/enrollment-sets/D?set=${name}`)).status, name).toBe(400)
    }
  })
})

describe('the sets of an enrolment', () => {
  it('need neither a known enrolment nor a known set', async () => {
    for (const id of ['DEV1', 'DEV1:USER%201']) {
      const path = `/v1/enrollment-sets/${id}`
      expect(await answer('GET', path)).toEqual(list())
      expect(await answer('PUT', path)).toEqual(error(500, 'empty set name'))
      expect(await answer('PUT', `${path}?set=a`)).toEqual(CHANGED)
      expect(await answer('PUT', `${path}?set=a`)).toEqual(SAME)
      expect(await answer('PUT', `${path}?set=b&notify=true`)).toEqual(CHANGED)
      expect(await answer('GET', path)).toEqual(list('a', 'b'))
      expect(await answer('DELETE', path)).toEqual(error(500, 'empty set name'))
      expect(await answer('DELETE', `${path}?set=b`)).toEqual(CHANGED)
      expect(await answer('DELETE', `${path}?set=b`)).toEqual(SAME)
    }
  })

  it.each(['/v1/enrollment-sets-all/sets/DEV2', '/v1/enrollment-sets-all/DEV2'])(
    'are all left by %s',
    async (path) => {
      await send('PUT', '/v1/enrollment-sets/DEV2?set=a')
      expect(await answer('DELETE', path)).toEqual(CHANGED)
      expect(await answer('DELETE', path)).toEqual(SAME)
      expect(await answer('GET', '/v1/enrollment-sets/DEV2')).toEqual(list())
    },
  )

  it('are none of a text that can be no id', async () => {
    expect((await send('PUT', '/v1/enrollment-sets/A:B:C?set=a')).status).toBe(400)
  })
})
