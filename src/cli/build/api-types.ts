/** Writes dist/api.d.ts, the types of the API's operations, by docs/openapi.json: they check the console. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire, registerHooks } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

const PROJECT = join(import.meta.dirname, '../../..')

// TypeScript 7 has no API. openapi-typescript writes with the older one that oazapfts brings along.
const api = createRequire(import.meta.resolve('oazapfts')).resolve('typescript')
registerHooks({
  resolve: (name, context, next) =>
    next(name === 'typescript' ? pathToFileURL(api).href : name, context),
})
const { default: typesOf, astToString } = await import('openapi-typescript')

const types = await typesOf(JSON.parse(readFileSync(join(PROJECT, 'docs/openapi.json'), 'utf8')))
mkdirSync(join(PROJECT, 'dist'), { recursive: true })
writeFileSync(join(PROJECT, 'dist/api.d.ts'), astToString(types))
