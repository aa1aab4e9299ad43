import { describe, expect, it } from 'vitest'
import { storeAppForm } from '../../../src/repo/app-form.ts'
import { beginUpload } from '../../../src/repo/upload.ts'

const MIB = 1024 * 1024
const PART = 5 * MIB

/** A bucket that keeps no bytes: the lengths of parts and objects, and what became of each upload. */
function countingBucket() {
  const seen = { parts: [] as number[], objects: new Map<string, number>(), aborted: 0 }
  const bucket = {
    put: async (key: string, value: Uint8Array) => void seen.objects.set(key, value.length),
    createMultipartUpload: async (key: string) => ({
      key,
      uploadPart: async (partNumber: number, value: Uint8Array) => {
        seen.parts.push(value.length)
        return { partNumber, etag: '' }
      },
      complete: async (parts: object[]) => {
        const bytes = seen.parts.slice(-parts.length).reduce((sum, length) => sum + length, 0)
        seen.objects.set(key, bytes)
      },
      abort: async () => void (seen.aborted += 1),
    }),
  }
  return { seen, bucket: bucket as unknown as R2Bucket }
}

describe('an upload', () => {
  it('sends parts of one length, but for the last one', async () => {
    const { seen, bucket } = countingBucket()
    const upload = beginUpload(bucket, 'a.pkg')
    for (const length of [1, PART - 2, 3 * MIB, 4 * MIB]) {
      await upload.write(new Uint8Array(length))
    }
    await upload.finish('a.pkg')
    expect(seen.parts).toEqual([PART, PART, 2 * MIB - 1])
    expect(seen.objects.get('a.pkg')).toBe(12 * MIB - 1)
  })

  it('has no empty part at its end', async () => {
    const { seen, bucket } = countingBucket()
    const upload = beginUpload(bucket, 'a.pkg')
    await upload.write(new Uint8Array(2 * PART))
    await upload.finish('a.pkg')
    expect(seen.parts).toEqual([PART, PART])
  })

  it('ends at 5 GB', async () => {
    const { bucket } = countingBucket()
    const upload = beginUpload(bucket, 'a.pkg')
    const gigabyte = { length: 5_000_000_001, subarray: () => new Uint8Array() }
    await expect(upload.write(gigabyte as unknown as Uint8Array)).rejects.toThrow(
      'longer than 5 GB',
    )
  })
})

it('a manifest is stored after the package that it names', async () => {
  const { seen, bucket } = countingBucket()
  const part = (rest: string): string => `--b\r\nContent-Disposition: form-data; name=${rest}\r\n`
  async function* body(): AsyncGenerator<Uint8Array> {
    yield Buffer.from(part('"app_manifest_filedata"; filename="a.plist"\r\n\r\nx'))
    yield Buffer.from(part('"app_manifest_filename"\r\n\r\na.plist'))
    yield Buffer.from(part('"pkg_filedata"; filename="a.pkg"\r\n\r\nx'))
    yield Buffer.from(`${part('"pkg_name"\r\n\r\na.pkg')}--b--`)
  }
  await storeAppForm(bucket, body(), 'b')
  expect([...seen.objects.keys()]).toEqual(['a.pkg', 'a.plist'])
})

describe('a form of 200 MiB', () => {
  const CHUNK = new Uint8Array(256 * 1024)
  const file = (name: string): string =>
    `Content-Disposition: form-data; name="pkg_filedata"; filename="${name}"`

  /** Its bytes, and how many of them have been asked for. */
  function form(rest: string) {
    const count = { pulled: 0 }
    async function* body(): AsyncGenerator<Uint8Array> {
      yield Buffer.from(`--b\r\n${file('a.pkg')}\r\n\r\n`)
      for (; count.pulled < 200 * MIB; count.pulled += CHUNK.length) {
        yield CHUNK
      }
      yield Buffer.from(rest)
    }
    return { count, body: body() }
  }

  it('is passed on while it arrives: never more than a part of it is held', async () => {
    const { seen, bucket } = countingBucket()
    const { count, body } = form(
      '\r\n--b\r\nContent-Disposition: form-data; name="pkg_name"\r\n\r\na.pkg\r\n--b--\r\n',
    )
    let most = 0
    async function* watched(): AsyncGenerator<Uint8Array> {
      for await (const chunk of body) {
        most = Math.max(most, count.pulled - seen.parts.length * PART)
        expect(seen.objects.size).toBe(0)
        yield chunk
      }
    }
    await storeAppForm(bucket, watched(), 'b')
    expect(most).toBeLessThanOrEqual(PART + 2 * CHUNK.length)
    expect([...seen.objects]).toEqual([['a.pkg', 200 * MIB]])
  })

  it('leaves nothing when it breaks off, or has no name', async () => {
    const { seen, bucket } = countingBucket()
    await expect(storeAppForm(bucket, form('').body, 'b')).rejects.toThrow('breaks off')
    await storeAppForm(bucket, form('\r\n--b--').body, 'b')
    expect([seen.objects.size, seen.aborted]).toEqual([0, 2])
  })
})
