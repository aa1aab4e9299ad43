import { clock } from '../../../clock.ts'
import type { Config } from '../../../config/config.ts'
import { pushCertificateInUse } from '../../../device/push/certificate.ts'
import type { Env } from '../../../env.ts'

/**
 * The topic of new enrolments, read for each of them: MicroMDM read it once, and gave out the old one after a
 * change of certificate (micromdm#466). Empty as long as there is no push certificate.
 */
export async function pushTopic(env: Env, config: Config): Promise<string> {
  return (await pushCertificateInUse(env, config, clock.now())).topic
}
