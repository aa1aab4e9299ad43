import { describe, expect, it } from 'vitest'
import { baseName, endOf, isRepoName, typeOfName } from '../../../src/repo/name.ts'

describe('the name of a file in the repository', () => {
  it.each([
    'a.pkg',
    'Agent 1.2 (3).pkg',
    'Überblick.plist',
    '日本.ipa',
    'a#b?c%d.pkg',
    'x'.repeat(200),
  ])('may be %j', (name) => {
    expect(isRepoName(name)).toBe(true)
  })

  it.each([
    '',
    '.',
    '..',
    '.upload-x',
    '../x',
    'a/b',
    'a\\b',
    'a\nb',
    'a\0',
    'a\u007f',
    'a\u202egkp',
    'a\ud800',
    'x'.repeat(201),
  ])('is not %j', (name) => {
    expect(isRepoName(name)).toBe(false)
  })

  it('is the last part of a path', () => {
    const paths = ['../x.pkg', 'C:\\apps\\x.pkg', '/srv/x.pkg', 'x.pkg']
    expect(paths.map(baseName)).toEqual(['x.pkg', 'x.pkg', 'x.pkg', 'x.pkg'])
    expect(['../', '..', ''].map(baseName)).toEqual(['', '..', ''])
  })

  it('says what the file is', () => {
    expect(typeOfName('A.PKG')).toBe('application/x-xar')
    expect(typeOfName('a.plist')).toBe('text/xml; charset=utf-8')
    expect(['a.ipa', 'a.html', 'a.svg', 'pkg', 'a.'].map(typeOfName)).toEqual(
      Array.from({ length: 5 }, () => 'application/octet-stream'),
    )
    expect([endOf('a.b.PKG'), endOf('pkg')]).toEqual(['pkg', ''])
  })
})
