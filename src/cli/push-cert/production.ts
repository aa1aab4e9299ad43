import { spawn } from 'node:child_process'
import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { CliError } from '../error.ts'
import { checkPushChange } from './change.ts'
import type { PushPair } from '../settings.ts'
import { readPushCertificateIn, withPushCertificate } from './wrangler-toml.ts'
import { writeWhole } from '../write-whole.ts'

/** Runs wrangler and returns its output. @throws when it failed */
export type RunWrangler = (args: readonly string[]) => Promise<string>

export interface ProductionInstall {
  /** The directory of wrangler.toml. */
  projectDir: string
  /** The directory of the pair while wrangler reads it. */
  folder: string
  push: PushPair
  force: boolean
  wrangler: RunWrangler
}

const COUNT = 'SELECT count(*) AS enrolled FROM devices WHERE enrolled AND NOT hidden'

/**
 * Uploads the pair to the account, binds it as `APNS`, adds its certificate to the Worker's vars, and
 * deploys. One deploy changes the pushes and the known certificate together. The answer names the upload
 * that is bound now, and the one that was bound before, if there was another.
 */
export async function installInProduction(
  install: ProductionInstall,
): Promise<{ certificateId: string; previousId: string | undefined }> {
  const { projectDir, push, force, wrangler } = install
  const file = join(projectDir, 'wrangler.toml')
  const toml = readFileSync(file, 'utf8')
  const before = readPushCertificateIn(toml)
  const enrolled = () => countEnrolledIn(wrangler)
  await checkPushChange({ before: before.certificate, push, force, enrolled })
  // When it is repeated after a failed deploy, the certificate is uploaded already.
  const uploaded = before.certificate === push.certificate ? before.certificateId : undefined
  const certificateId = uploaded ?? (await uploadPushCertificate(install))
  const changed = withPushCertificate(toml, { certificateId, certificate: push.certificate })
  writeWhole(file, changed, statSync(file).mode)
  await wrangler(['deploy'])
  const previousId = certificateId === before.certificateId ? undefined : before.certificateId
  return { certificateId, previousId }
}

/** Uploads the pair, and returns the id that a binding names. */
export async function uploadPushCertificate({
  folder,
  push,
  wrangler,
}: Pick<ProductionInstall, 'folder' | 'push' | 'wrangler'>): Promise<string> {
  const certificateFile = join(folder, 'upload.pem')
  const keyFile = join(folder, 'upload.key')
  try {
    writeFileSync(certificateFile, push.certificate, { mode: 0o600 })
    writeFileSync(keyFile, push.key, { mode: 0o600 })
    const name = `edgemdm-push-${push.fingerprint.slice(0, 12)}`
    const printed = await wrangler([
      'mtls-certificate',
      'upload',
      '--cert',
      certificateFile,
      '--key',
      keyFile,
      '--name',
      name,
    ])
    const id = /^ID: ([0-9a-f-]{36})\s*$/m.exec(printed)?.[1]
    if (id === undefined) {
      throw new CliError('wrangler mtls-certificate upload printed no id of a certificate')
    }
    return id
  } finally {
    rmSync(certificateFile, { force: true })
    rmSync(keyFile, { force: true })
  }
}

/** The devices that the deployed Worker’s D1 knows as enrolled. */
export async function countEnrolledIn(wrangler: RunWrangler): Promise<number> {
  const printed = await wrangler(['d1', 'execute', 'DB', '--remote', '--json', '--command', COUNT])
  const count = /"enrolled"\s*:\s*(\d+)/.exec(printed)?.[1]
  if (count === undefined) {
    throw new CliError(
      'cannot tell how many devices are enrolled, and the topic changes: say --force if that is meant',
    )
  }
  return Number(count)
}

/** Runs the project's wrangler, and shows what it prints. */
export function wranglerIn(projectDir: string): RunWrangler {
  return (args) => {
    console.log(`> wrangler ${args.join(' ')}`)
    const child = spawn(join(projectDir, 'node_modules/.bin/wrangler'), args, {
      cwd: projectDir,
      stdio: ['inherit', 'pipe', 'inherit'],
    })
    let printed = ''
    child.stdout.on('data', (chunk: Buffer) => {
      printed += chunk.toString()
      process.stdout.write(chunk)
    })
    return new Promise((done, failed) => {
      child.once('error', failed)
      child.once('close', (code) => {
        if (code === 0) {
          done(printed)
        } else {
          failed(
            new CliError(`wrangler ${args[0]} ended with ${code}: mend that, and run this again`),
          )
        }
      })
    })
  }
}
