/**
 * The push certificate that was installed for `npm start`: sealed in the state directory, like every secret
 * at rest.
 */
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createSealer } from '../../pki/seal/seal.ts'
import { CliError, messageOf } from '../error.ts'
import type { PemPair } from '../state.ts'
import { writeWhole } from '../write-whole.ts'

const FOLDER = 'push-cert'
const FILE = 'installed'
const PLACE = 'push-cert/installed'

/** The directory of keys, requests and the installed push certificate. */
export function pushFolder(stateDir: string): string {
  const folder = join(stateDir, FOLDER)
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  return folder
}

/** @throws CliError when it exists and cannot be opened */
export function readInstalledPush(stateDir: string, sealKeys: string): PemPair | undefined {
  const file = join(stateDir, FOLDER, FILE)
  if (!existsSync(file)) {
    return undefined
  }
  try {
    const plain = createSealer(sealKeys).open(readFileSync(file), PLACE)
    const pair: PemPair = JSON.parse(Buffer.from(plain).toString('utf8'))
    return pair
  } catch (error) {
    throw new CliError(
      `the installed push certificate cannot be opened: ${messageOf(error)}. ` +
        'Install it again with `npm run push-cert -- install`',
    )
  }
}

export function writeInstalledPush(stateDir: string, sealKeys: string, pair: PemPair): void {
  const { certificate, key } = pair
  const file = join(pushFolder(stateDir), FILE)
  const plain = Buffer.from(JSON.stringify({ certificate, key }))
  writeWhole(file, createSealer(sealKeys).seal(plain, PLACE))
}
