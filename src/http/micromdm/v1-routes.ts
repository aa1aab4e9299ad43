import { micromdmAuth } from '../access/gate.ts'
import { newApp } from '../app-env.ts'
import { v1Apps } from './apps.ts'
import { v1Blueprints } from './blueprints.ts'
import { v1Challenge } from './challenge.ts'
import { v1Commands } from './commands.ts'
import { v1DepDevices } from './dep/devices.ts'
import { v1DepProfiles } from './dep/profiles.ts'
import { v1DepSync } from './dep/sync.ts'
import { v1DepTokens } from './dep/tokens.ts'
import { v1Devices } from './devices.ts'
import { v1Profiles } from './profiles.ts'
import { v1Push } from './push.ts'
import { v1PushCertificate } from './push-certificate.ts'
import { goJson } from './request.ts'
import { v1Users } from './users.ts'
import { version } from '../version.ts'

/**
 * MicroMDM's HTTP API (docs/micromdm.md). Each file here has the routes of one subject, `v1Commands` those of
 * `/v1/commands`. To add a route, write it there; a new subject gets a file, which this one mounts.
 * `request.ts` reads a body as Go does. A thrown `RequestError` becomes MicroMDM's JSON: 500, unless it names
 * another status.
 */
export const micromdmFace = newApp()

for (const path of ['/v1/*', '/push/*', '/boltbackup']) {
  micromdmFace.use(path, micromdmAuth)
}
micromdmFace.all('/version', () => goJson(version))
micromdmFace.route('/', v1Apps)
micromdmFace.route('/', v1Blueprints)
micromdmFace.route('/', v1Challenge)
micromdmFace.route('/', v1Commands)
micromdmFace.route('/', v1DepDevices)
micromdmFace.route('/', v1DepProfiles)
micromdmFace.route('/', v1DepSync)
micromdmFace.route('/', v1DepTokens)
micromdmFace.route('/', v1Devices)
micromdmFace.route('/', v1Profiles)
micromdmFace.route('/', v1Push)
micromdmFace.route('/', v1PushCertificate)
micromdmFace.route('/', v1Users)
