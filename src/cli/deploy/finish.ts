/** The last screen: where the keys are, and the way of the first device. */
import { mkdirSync } from 'node:fs'
import { renderUnicodeCompact } from 'uqr'
import { type AdminAccess, readEnrollment } from '../api-client.ts'
import { keepInstalled } from '../push-cert/installed.ts'
import type { DeployOrder } from './arguments.ts'
import type { Deployment } from './folder.ts'
import { askClaim, claimAdvice } from './inputs/claim.ts'
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
  screen.show(`\n${changed ? 'Deployed' : 'Nothing to do'}: ${address}`)
  if (prepared.facts.secrets.waits) {
    await noteClaim(facts)
  } else if (apiKey === undefined) {
    const text = 'API_KEY is not known here, so no certificate authority was looked for: npm run ca'
    screen.tell({ type: 'note', text })
  }
  screen.tell({ type: 'done', url: address, changed })
  if (apiKey === undefined || order.ci || order.json) {
    return
  }
  screen.show(`  Keys      ${prepared.facts.secretsFile}: keep a copy in another place`)
  screen.show(`  API       ${address}/api/docs, user micromdm, password API_KEY of that file`)
  if (done.push === undefined) {
    screen.show('  Next      a push certificate: npm run push-cert -- --help')
  }
  // Without a push certificate, no device can enrol.
  const waits = order.wait && done.push !== undefined
  await welcomeDevice({ url: address, apiKey }, waits, effects)
}

async function noteClaim({ order, prepared, address, effects }: Finish): Promise<void> {
  const { worker } = prepared.facts.names
  const claim = await askClaim(address, effects.fetch)
  const text = claimAdvice(claim, address, { worker, isBuilds: order.builds })
  if (text !== undefined) {
    effects.screen.tell({ type: 'note', text })
  }
}

/** The link has a token. It is for the people at a terminal, and for no file that a pipe leads to. */
export async function welcomeDevice(
  access: AdminAccess,
  waits: boolean,
  { screen, sleep }: DeployEffects,
): Promise<void> {
  if (await hasDevices(access)) {
    return
  }
  if (!screen.isWatched) {
    screen.show(
      `  Enrol     the link has a token: a terminal shows it, or ${access.url}/api/enrollment`,
    )
    return
  }
  const { link } = await readEnrollment(access)
  screen.show(`  Enrol     ${link}\n\n${renderUnicodeCompact(link)}`)
  if (!waits) {
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
