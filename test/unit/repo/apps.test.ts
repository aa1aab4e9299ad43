import { expect, it } from 'vitest'
import { appsNamed } from '../../../src/repo/apps.ts'

it('a file that is too long for a manifest is not read', async () => {
  const read: string[] = []
  const bucket = {
    get: async (key: string) => ({
      size: key === 'long.plist' ? 5_000_000_000 : 10,
      body: { cancel: async () => void read.push(`no ${key}`) },
      text: async () => {
        read.push(key)
        return ''
      },
    }),
  }
  const names = ['long.plist', 'short.plist', '../x.plist']
  expect(await appsNamed(bucket as unknown as R2Bucket, names)).toEqual([])
  expect(read.toSorted()).toEqual(['no long.plist', 'short.plist'])
})
