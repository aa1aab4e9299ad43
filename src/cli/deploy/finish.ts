/** The last screen: where the keys are, and the way of the first device. */
import { mkdirSync } from 'node:fs'
import { renderUnicodeCompact } from 'uqr'
import { type AdminAccess, readEnrollment } from '../api-client.ts'
import { keepInstalled } from '../push-cert/installed.ts'
import type { DeployOrder } from './arguments.ts'
import type { Deployment } from './folder.ts'
import type { DeployEffects, Prepared } from './prepare.ts'
import { hasDevices } from './server.ts'

const BETWEEN_LOOKS = 3000

export interface Finish {
  readonly order: DeployOrder
  readonly prepared: Prepared
  readonly done: Deployment
  readonly address: string
  readonly changed: boolean
  readonly effects: DeployEffects
}

export async function finishDeploy(facts: Finish): Promise<void> {
  const { order, prepared, done, address, changed, effects } = facts
  const { screen } = effects
  notePush(facts)
  const apiKey = prepared.facts.secrets.known['API_KEY']
  if (apiKey === undefined) {
    const text = 'API_KEY is not known here, so no certificate authority was looked for: npm run ca'
    screen.tell({ type: 'note', text })
  }
  screen.tell({ type: 'done', url: address, changed })
  screen.show(`\n${changed ? 'Deployed' : 'Nothing to do'}: ${address}`)
  if (apiKey === undefined || order.ci || order.json) {
    return
  }
  screen.show(`  Keys      ${prepared.facts.secretsFile}: keep a copy in another place`)
  screen.show(`  API       ${address}/api/docs, user micromdm, password API_KEY of that file`)
  if (done.push === undefined) {
    screen.show('  Next      a push certificate: npm run push-cert -- --help')
  }
  await welcomeDevice({ url: address, apiKey }, order, effects)
}

/** The link has a token. It is for the people at this terminal. */
async function welcomeDevice(
  access: AdminAccess,
  order: DeployOrder,
  { screen, sleep }: DeployEffects,
): Promise<void> {
  if (await hasDevices(access)) {
    return
  }
  const { link } = await readEnrollment(access)
  screen.show(`  Enrol     ${link}\n\n${renderUnicodeCompact(link)}`)
  if (!order.wait || !screen.isWatched) {
    return
  }
  screen.show('Waiting for the first device. Ctrl-C ends only the waiting.')
  while (!(await hasDevices(access))) {
    await sleep(BETWEEN_LOOKS)
  }
  screen.show('The first device has enrolled.')
}

function notePush({ prepared, done, effects }: Finish): void {
  const { pair, bound, folder } = prepared.push
  if (pair === undefined) {
    return
  }
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const lines = keepInstalled({
    folder,
    push: pair,
    account: undefined,
    certificateId: done.push?.certificateId,
    previousId: bound?.certificateId,
    now: effects.now(),
  })
  for (const text of lines) {
    effects.screen.tell({ type: 'note', text })
  }
}
