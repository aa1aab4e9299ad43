import { renameSync, rmSync, writeFileSync } from 'node:fs'

/**
 * Writes a file, by default for its owner alone, and renames it into place. Neither a kill nor a full disk
 * leaves half of it, and the older file stays whole until then.
 */
export function writeWhole(file: string, content: string | Uint8Array, mode = 0o600): void {
  const fresh = `${file}.new`
  try {
    writeFileSync(fresh, content, { mode })
    renameSync(fresh, file)
  } catch (error) {
    rmSync(fresh, { force: true })
    throw error
  }
}
