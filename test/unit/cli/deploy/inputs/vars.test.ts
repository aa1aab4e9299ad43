import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { readConfig } from '../../../../../src/config/config.ts'
import { wranglerKeys } from '../../../../../src/cli/deploy/cloudflare/wrangler.ts'
import { SETTING_NAMES, SETTINGS_KNOWN } from '../../../../../src/config/known.ts'
import { refuseUnknownKeys, refuseUnknownVars } from '../../../../../src/cli/deploy/inputs/vars.ts'

it('a var that nothing reads is refused with the nearest name', () => {
  expect(() => refuseUnknownVars({ ORGANIZATION: 'Example', DM: 'https://x' })).not.toThrow()
  expect(() => refuseUnknownVars({ ORGANISATION: 'Example' })).toThrow('did you mean ORGANIZATION?')
  expect(() => refuseUnknownVars({ COLOR_OF_THE_BUTTON: 'red' })).toThrow(/no such setting$/)
})

it('a key that wrangler does not have is refused, with the var that was meant', () => {
  const known = wranglerKeys(join(import.meta.dirname, '../../../../..'))
  const refuse = (own: object) => () => refuseUnknownKeys(own, known)
  expect(refuse({ vars: {}, routes: [], r2_buckets: [], workers_dev: true })).not.toThrow()
  for (const key of ['ORGANIZATION', 'ORGANISATION', 'organization']) {
    expect(refuse({ [key]: 'Example' })).toThrow('did you mean vars.ORGANIZATION?')
  }
  expect(refuse({ route_s: [] })).toThrow('did you mean routes?')
  expect(refuse({ a: 1 })).toThrow(expect.objectContaining({ exit: 2 }))
})

it('the names are those that the server reads and the page of settings has', () => {
  const read = new Set<string>()
  readConfig(new Proxy({}, { get: (_, name) => void read.add(String(name)) }))
  const page = readFileSync(join(import.meta.dirname, '../../../../../docs/settings.md'), 'utf8')
  const cells = page.matchAll(/^\|([^|]*)\|([^|]*)\|/gm)
  const listed = [...cells].flatMap(([, name = '', alias = '']) =>
    [...`${name}${alias}`.matchAll(/`([A-Z][A-Z_]+)`/g)].map(([, found]) => found),
  )
  expect([read.size, listed.length].every((count) => count > 40)).toBe(true)
  expect([...read, ...listed].filter((name) => !SETTING_NAMES.includes(name ?? ''))).toEqual([])
})

it('the page of settings has the default of each', () => {
  const page = readFileSync(join(import.meta.dirname, '../../../../../docs/settings.md'), 'utf8')
  const differing = SETTINGS_KNOWN.filter(([name, usual]) => {
    const row = page.split('\n').find((line) => line.split('|')[1]?.includes(`\`${name}\``))
    return row !== undefined && !(row.split('|')[3] ?? '').includes(usual === 'none' ? '' : usual)
  })
  expect(differing.map(([name]) => name)).toEqual([])
})
