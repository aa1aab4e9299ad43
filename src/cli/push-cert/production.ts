import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { readPushCertificate } from '../../pki/x509/push-certificate.ts'
import { CliError } from '../error.ts'
import { refuseOtherTopic } from './install.ts'
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
 * deploys. One deploy changes the pushes and the known certificate together. The answer is the id of the
 * certificate that was bound before, if there was one.
 */
export async function installInProduction(install: ProductionInstall): Promise<string | undefined> {
  const { projectDir, push, force, wrangler } = install
  const file = join(projectDir, 'wrangler.toml')
  const toml = readFileSync(file, 'utf8')
  const before = readPushCertificateIn(toml)
  const topic = topicOf(before.certificate)
  if (topic !== push.topic && !force) {
    const enrolled = await countEnrolled(wrangler)
    refuseOtherTopic({ enrolled, before: topic, after: push.topic }, false)
  }
  // When it is repeated after a failed deploy, the certificate is uploaded already.
  const uploaded = before.certificate === push.certificate ? before.certificateId : undefined
  const certificateId = uploaded ?? (await upload(install))
  const changed = withPushCertificate(toml, { certificateId, certificate: push.certificate })
  writeWhole(file, changed, statSync(file).mode)
  await wrangler(['deploy'])
  return certificateId === before.certificateId ? undefined : before.certificateId
}

async function upload({ folder, push, wrangler }: ProductionInstall): Promise<string> {
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

function topicOf(certificate: string | undefined): string {
  const read = certificate === undefined ? '' : readPushCertificate(certificate)
  return typeof read === 'string' ? '' : (read.uid ?? '')
}

async function countEnrolled(wrangler: RunWrangler): Promise<number> {
  const printed = await wrangler(['d1', 'execute', 'DB', '--remote', '--json', '--command', COUNT])
  const count = /"enrolled"\s*:\s*(\d+)/.exec(printed)?.[1]
  if (count === undefined) {
    throw new CliError(
      'cannot tell how many devices are enrolled, and the topic changes: say --force if that is meant',
    )
  }
  return Number(count)
}
