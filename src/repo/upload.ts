import { chunksOf } from './chunks.ts'
import { RepoError } from './error.ts'

/** Parts of an upload have at least 5 MiB, and all but the last the same length (R2, "Multipart upload"). */
const PART_BYTES = 5 * 1024 * 1024
/** An object that is written in one piece ends here, so all do. */
export const MAX_FILE_BYTES = 5_000_000_000

/** A file on its way into the bucket. It is not visible before `finish`. */
export interface Upload {
  /** Copies the bytes; at most one part is in memory. @throws RepoError for a file that is too long */
  write(chunk: Uint8Array): Promise<void>
  /** Makes it visible under a name. @throws RepoError if it is empty, or cannot get this name */
  finish(name: string): Promise<void>
  /** Drops what was written. It never fails: R2 drops what is left after seven days. */
  abort(): Promise<void>
}

/**
 * Begins an upload of unknown length. R2 cannot rename: an upload that outgrew one part has its `key`, and
 * another name costs a copy inside R2.
 */
export function beginUpload(bucket: R2Bucket, key: string): Upload {
  const part = new Uint8Array(PART_BYTES)
  let held = 0
  let total = 0
  let multipart: R2MultipartUpload | undefined
  const parts: R2UploadedPart[] = []
  const sendPart = async (): Promise<void> => {
    multipart ??= await bucket.createMultipartUpload(key)
    parts.push(await multipart.uploadPart(parts.length + 1, part.subarray(0, held)))
    held = 0
  }
  return {
    async write(chunk) {
      total += chunk.length
      refuseLength(total)
      for (let rest = chunk; rest.length > 0;) {
        const taken = rest.subarray(0, PART_BYTES - held)
        part.set(taken, held)
        held += taken.length
        rest = rest.subarray(taken.length)
        if (held === PART_BYTES) {
          await sendPart()
        }
      }
    },
    async finish(name) {
      if (total === 0) {
        throw new RepoError('invalid_request', `${name} is empty: send the bytes of the file`)
      }
      if (!multipart) {
        await bucket.put(name, part.subarray(0, held))
        return
      }
      if (held > 0) {
        await sendPart()
      }
      await completeAs(bucket, multipart, parts, name)
      multipart = undefined
    },
    async abort() {
      await multipart?.abort().catch(() => undefined)
    },
  }
}

async function completeAs(
  bucket: R2Bucket,
  multipart: R2MultipartUpload,
  parts: R2UploadedPart[],
  name: string,
): Promise<void> {
  const { key } = multipart
  if (key !== name && (await bucket.head(key))) {
    throw new RepoError(
      'conflict',
      `${name} was sent with the file name ${key}, which another file has: send the same name twice, or ` +
        'the name before the bytes',
    )
  }
  await multipart.complete(parts)
  const whole = key === name ? null : await bucket.get(key)
  if (whole) {
    // R2 passes the bytes on to itself: they do not enter the isolate's memory.
    await bucket.put(name, whole.body)
    await bucket.delete(key)
  }
}

/**
 * Stores a request's body. One of known length costs no CPU, because the runtime passes it on.
 * @throws RepoError for an empty body, and one that is too long
 */
export async function uploadBody(bucket: R2Bucket, name: string, request: Request): Promise<void> {
  const declared = Number(request.headers.get('content-length') ?? 0)
  refuseLength(declared)
  if (request.body && declared > 0) {
    await bucket.put(name, request.body)
    return
  }
  const upload = beginUpload(bucket, name)
  try {
    for await (const chunk of chunksOf(request.body)) {
      await upload.write(chunk)
    }
    await upload.finish(name)
  } catch (error) {
    await upload.abort()
    throw error
  }
}

function refuseLength(bytes: number): void {
  if (bytes > MAX_FILE_BYTES) {
    throw new RepoError('body_too_large', 'the file is longer than 5 GB')
  }
}
