/** `.edgemdm/deployments/NAME`: what is known of one deployment. Only its owner can read it. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { CliError, messageOf } from '../error.ts'
import { writeWhole } from '../write-whole.ts'
import { DeployStop } from './failures.ts'
import type { BoundPush, RawConfig } from './config.ts'

export interface Deployment {
  readonly account?: string
  readonly host?: string
  /** The first deploy had the host already, so that no device knows an address at workers.dev. */
  readonly beganWithHost?: boolean
  /** The id of the D1 that this deployment uses. */
  readonly database?: string
  readonly push?: BoundPush
  /** The server has a CA that issues. */
  readonly authority?: boolean
  /** The last deploy that went through. */
  readonly deployed?: DeployedState
}

export interface DeployedState {
  /** Of the Worker's source. */
  readonly digest: string
  readonly commit?: string
  readonly config: RawConfig
  readonly versionId?: string
}

const STATE_FILE = 'deployment.json'
export const CONFIG_FILE = 'wrangler.json'
export const SETTINGS_FILE = 'settings.toml'

export function readDeployment(folder: string): Deployment {
  const file = join(folder, STATE_FILE)
  try {
    return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {}
  } catch (error) {
    throw new CliError(`${file} cannot be read: ${messageOf(error)}`)
  }
}

/** The deployments that a place keeps. */
export function deploymentNames(stateDir: string): readonly string[] {
  const place = join(stateDir, 'deployments')
  return existsSync(place) ? readdirSync(place) : []
}

export function writeDeployment(folder: string, deployment: Deployment): void {
  writeWhole(join(folder, STATE_FILE), `${JSON.stringify(deployment, null, 2)}\n`)
}

/** Makes the folder, with a file for the user's settings. */
export function makeFolder(folder: string, name: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const file = join(folder, SETTINGS_FILE)
  if (!existsSync(file)) {
    writeFileSync(file, settingsTemplate(name), { mode: 0o600 })
  }
}

const settingsTemplate = (
  name: string,
): string => `# Settings of the deployment ${name}. This file is yours: \
edit it, and run \`npm run deploy\`.
# It takes any key of wrangler.toml, and its values come before those of the committed file.
# docs/settings.md lists the vars. Secrets do not belong here: npx wrangler secret put NAME --name ${name}.

# vars.ORGANIZATION = "Example Inc."
# vars.WEBHOOK_URL = "https://hooks.example.com/mdm"
# r2_buckets = [{ binding = "REPO", bucket_name = "${name}-repo" }]
`

/** @throws DeployStop when there is no file that a flag names */
export function requireFile(flag: string, file: string, remedy: string): void {
  if (!existsSync(file)) {
    throw new DeployStop(2, `${flag} ${file}: there is no such file`, remedy)
  }
}
