import { OwnError } from '../reason.ts'

/** Why a file cannot be read. */
export type FileFaultCode =
  | 'empty'
  /** Another kind of file: an error page, an archive, another database. */
  | 'foreign'
  | 'truncated'
  /** Another version of bolt's format. */
  | 'version'
  /** Written by a computer of the other byte order. */
  | 'big_endian'
  | 'page_size'
  /** Neither of the two headers has a valid checksum. */
  | 'header'
  /** The structure contradicts itself. */
  | 'damaged'
  /** Bolt's format, but not MicroMDM's data. */
  | 'not_micromdm'
  /** A value that MicroMDM could not read either. */
  | 'bad_record'

/** The advice for a file that may have been copied while MicroMDM wrote to it. */
export const FETCH_A_COPY =
  'fetch a consistent copy from the running server: ' +
  'curl -f -u "micromdm:$API_KEY" -o micromdm.db https://HOST/boltbackup'

/** A file that cannot be read. The message is one sentence that says what is wrong and what to do. */
export class FileFault extends OwnError {
  override readonly name = 'FileFault'
  readonly code: FileFaultCode

  constructor(code: FileFaultCode, message: string) {
    super(message)
    this.code = code
  }
}

/** The fault of a file whose structure is broken. */
export function damaged(what: string): FileFault {
  return new FileFault(
    'damaged',
    `The file is damaged, or was copied while it was written (${what}): ${FETCH_A_COPY}`,
  )
}
