/**
 * Generates a client by oazapfts, and types by openapi-typescript, from the document of the folder that is
 * its argument.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { createRequire, registerHooks } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { generateSource } from 'oazapfts'

const [folder = '.'] = process.argv.slice(2)
const document = join(folder, 'openapi.json')

// TypeScript 7 has no API. openapi-typescript writes with the older one that oazapfts brings along.
const api = createRequire(import.meta.resolve('oazapfts')).resolve('typescript')
registerHooks({
  resolve: (name, context, next) =>
    next(name === 'typescript' ? pathToFileURL(api).href : name, context),
})
const { default: typesOf, astToString } = await import('openapi-typescript')

writeFileSync(join(folder, 'client.ts'), await generateSource(document))
const types = await typesOf(JSON.parse(readFileSync(document, 'utf8')))
writeFileSync(join(folder, 'types.ts'), astToString(types))
