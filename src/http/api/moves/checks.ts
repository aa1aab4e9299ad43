/** What has to hold before a fleet is served here, and what happens otherwise. */
import { clock } from '../../../clock.ts'
import type { Config } from '../../../config/config.ts'
import { pushCertificateInUse } from '../../../device/push/certificate.ts'
import { listAuthorities } from '../../../directory/authorities.ts'
import type { ItemCounts } from '../../../directory/moves/items.ts'
import type { Env } from '../../../env.ts'

export interface Check {
  readonly name: 'push_certificate' | 'authority' | 'host'
  readonly ok: boolean
  readonly detail: string
}

export async function checksOf(
  env: Env,
  config: Config,
  counts: ItemCounts,
  url: string,
): Promise<readonly Check[]> {
  return [
    await checkPush(env, config, counts),
    await checkAuthorities(env, config, counts),
    checkHost(config, url),
  ]
}

/** Apple accepts a token only with the topic that it was made for. */
async function checkPush(env: Env, config: Config, counts: ItemCounts): Promise<Check> {
  const topics = new Map<string, number>()
  for (const { topic, count } of counts.filter((one) => one.topic !== '')) {
    topics.set(topic, (topics.get(topic) ?? 0) + count)
  }
  const { topic: inUse } = await pushCertificateInUse(env, config, clock.now())
  const others = [...topics].filter(([topic]) => topic !== inUse)
  const name = 'push_certificate'
  if (others.length === 0) {
    return { name, ok: true, detail: `all push tokens are of the topic ${inUse || 'none'}` }
  }
  const count = others.reduce((sum, [, n]) => sum + n, 0)
  const named = others.map(([topic]) => topic).join(', ')
  return {
    name,
    ok: false,
    detail:
      `${count} devices have push tokens of ${named}, and this server pushes with ` +
      `${inUse || 'no certificate'}: bind the certificate of the other server with ` +
      '`npm run push-cert -- install`; without it these devices cannot be pushed',
  }
}

async function checkAuthorities(env: Env, config: Config, counts: ItemCounts): Promise<Check> {
  const name = 'authority'
  const comes = counts.some(({ kind }) => kind === 'authority')
  const here = (await listAuthorities(env.DB)).length + config.deviceCAs.length
  return comes || here > 0
    ? {
        name,
        ok: true,
        detail: 'the CA of the devices’ identities comes along, or is accepted here',
      }
    : {
        name,
        ok: false,
        detail:
          'the CA of the devices’ identities is not known here, and messages of the devices are ' +
          'refused: import it with `npm run ca -- import`, or name it in DEVICE_CA',
      }
}

function checkHost({ publicUrl }: Config, url: string): Check {
  const host = new URL(publicUrl || url).host
  return {
    name: 'host',
    ok: publicUrl.startsWith('https://'),
    detail:
      `devices call the host name in their profiles. This server has ${host}: if that is another one, ` +
      'point the DNS name of the other server here and set PUBLIC_URL to it, or no device calls',
  }
}
