import { RepoError } from './error.ts'
import { type FormPart, readForm, textOfPart } from './form.ts'
import { baseName, isRepoName, NAME_RULE } from './name.ts'
import { beginUpload, type Upload } from './upload.ts'

/** MicroMDM's fields. The package comes first, so that no manifest names one that is not there. */
const FIELDS = [
  { file: 'pkg_filedata', name: 'pkg_name' },
  { file: 'app_manifest_filedata', name: 'app_manifest_filename' },
] as const

/**
 * Stores the files of MicroMDM's form for apps. Their names follow their bytes, so nothing is visible before
 * the form has ended. A file without a name is dropped, as in MicroMDM; of a field that is there twice, the
 * first counts.
 *
 * @throws RepoError for a form that cannot be read, and a file or name that cannot be stored
 */
export async function storeAppForm(
  bucket: R2Bucket,
  body: AsyncIterable<Uint8Array>,
  boundary: string,
): Promise<void> {
  const uploads = new Map<string, Upload>()
  const names = new Map<string, string>()
  try {
    for await (const part of readForm(body, boundary)) {
      const field = FIELDS.find(({ file }) => file === part.name)
      if (field && !uploads.has(part.name)) {
        const upload = beginUpload(bucket, keyFor(names.get(field.name) ?? part.filename))
        uploads.set(part.name, upload)
        await copy(part, upload)
      } else if (FIELDS.some(({ name }) => name === part.name) && !names.has(part.name)) {
        names.set(part.name, nameOf(part.name, await textOfPart(part)))
      }
    }
    for (const { file, name } of FIELDS) {
      const given = names.get(name) ?? ''
      await (given === '' ? uploads.get(file)?.abort() : uploads.get(file)?.finish(given))
    }
  } catch (error) {
    await Promise.all([...uploads.values()].map((upload) => upload.abort()))
    throw error
  }
}

async function copy({ bytes }: FormPart, upload: Upload): Promise<void> {
  for await (const chunk of bytes) {
    await upload.write(chunk)
  }
}

/** mdmctl names the part as it names the file afterwards, so the bytes have their place from the start. */
function keyFor(filename: string): string {
  const name = baseName(filename)
  return isRepoName(name) ? name : `.upload-${crypto.randomUUID()}`
}

/** The last part of the path that a client sends: `../x` is stored as `x`. */
function nameOf(field: string, sent: string): string {
  const name = baseName(sent)
  if (name !== '' && !isRepoName(name)) {
    throw new RepoError('invalid_request', `${field}: a file’s name ${NAME_RULE}`)
  }
  return name
}
