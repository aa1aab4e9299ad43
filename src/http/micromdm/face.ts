import { Hono } from 'hono'
import { adminAuth } from '../auth.ts'
import type { AppEnv } from '../app-env.ts'
import { challenge } from './challenge.ts'
import { commands } from './commands.ts'
import { devices } from './devices.ts'
import { profiles } from './profiles.ts'
import { push } from './push.ts'
import { pushCertificate } from './push-certificate.ts'
import { goJson } from './request.ts'
import { version } from './version.ts'

/** MicroMDM's HTTP API (docs/micromdm.md): the API key before anything else, every error a JSON body. */
export const micromdmFace = new Hono<AppEnv>()

for (const path of ['/v1/*', '/push/*', '/boltbackup']) {
  micromdmFace.use(path, adminAuth)
}
micromdmFace.all('/version', () => goJson(version))
micromdmFace.route('/', challenge)
micromdmFace.route('/', commands)
micromdmFace.route('/', devices)
micromdmFace.route('/', profiles)
micromdmFace.route('/', push)
micromdmFace.route('/', pushCertificate)
