import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { declarationSchema, isObject } from '../../../src/apple/declarations.ts'
import { checkDeclaration } from '../../../src/ddm/payload/check.ts'
import { expandFiles, filesIn } from '../../../src/ddm/files.ts'
import { keyTable, platformsOf } from './template-tables.ts'

const DOCS = join(import.meta.dirname, '../../../docs')
const PAGE = readFileSync(join(DOCS, 'templates.md'), 'utf8')

interface Template {
  readonly type: string
  readonly payload: Readonly<Record<string, unknown>>
}

const TEMPLATES = readdirSync(join(DOCS, 'templates')).map((file) => {
  const template: Template = JSON.parse(readFileSync(join(DOCS, 'templates', file), 'utf8'))
  return { file, ...template }
})

const FACTS = { sha256: 'aa'.repeat(32), size: 3, contentType: 'application/json', profile: '' }

describe.each(TEMPLATES)('the template $file', ({ file, type, payload }) => {
  it('is a declaration without faults and warnings', () => {
    expect(Object.keys(payload).length).toBeGreaterThan(0)
    expect(checkDeclaration(type, payload)).toEqual({ faults: [], warnings: [] })
  })

  it('still is one when its files have become URLs', () => {
    const files = new Map(filesIn(payload).map((name) => [name, FACTS]))
    const expanded = expandFiles(payload, files, 'https://mdm.example.com')
    const served = 'payload' in expanded && isObject(expanded.payload) ? expanded.payload : {}
    expect(checkDeclaration(type, served)).toEqual({ faults: [], warnings: [] })
  })

  it('is on the page with the keys and systems of Apple’s schema', () => {
    const [, section = ''] = PAGE.split(`](templates/${file})`)
    const [own = ''] = section.split('\n## ')
    expect(own).toContain(`\`${type}\``)
    expect(own).toContain(platformsOf(declarationSchema(type)?.on ?? ''))
    expect(own).toContain(keyTable(type))
    expect(own).toContain(`-d @docs/templates/${file}`)
  })
})
