/** `npm run move`: brings a fleet of MicroMDM, or the bindings of NanoMDM, to a running server. */
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { FileFault } from '../../migration/fault.ts'
import { readFleet } from '../../migration/micromdm/fleet.ts'
import { MOST } from '../../migration/records.ts'
import { ApiError, readEnrollment } from '../api-client.ts'
import { CliError, complaintOf } from '../error.ts'
import { createProgress } from '../progress.ts'
import { activateMove } from './activate.ts'
import { MOVE_HELP, type MoveArguments, type MoveOrder, readMoveArguments } from './arguments.ts'
import { readAssociations } from './bindings.ts'
import {
  beginMove,
  type Call,
  discardAt,
  listMovesAt,
  type MoveView,
  patientCalls,
  readMove,
} from './client.ts'
import { exportFleet } from './export.ts'
import { readRepository, uploadRepository } from './filerepo.ts'
import type { Remark } from './fit.ts'
import { checkLines, countsOf, enrolmentEnds, reportOf, unprovenIds } from './outcome.ts'
import { type Plan, planOfBindings, planOfFleet } from './plan.ts'
import { installPushPair, topicAt, writePushPair } from './push-pair.ts'
import { sendItems } from './send.ts'
import { nameOf, readCopy } from './source.ts'
import { blockedLines, counted, oddLines, pushable, surveyOf } from './survey.ts'

const REFUSED = 409
const progress = createProgress(process.stderr)
/** What an interruption or an error leaves, and how to go on. */
let goOn = ''

process.once('SIGINT', () => {
  progress.say(`\nInterrupted. ${goOn || 'Nothing is sent.'}`)
  process.exit(130)
})

await main(process.argv.slice(2)).catch((error: unknown) => {
  progress.end()
  console.error('move:', complaintOf(error), ...(goOn === '' ? [] : [`\n${goOn}`]))
  process.exit(1)
})

async function main(args: readonly string[]): Promise<void> {
  const order = readMoveArguments(args, process.env)
  if (order.kind === 'help') {
    return console.log(MOVE_HELP)
  }
  const call = patientCalls(order.access, { sleep, say: progress.say })
  switch (order.kind) {
    case 'status':
      return print(statusLines(await listMovesAt(call)))
    case 'discard':
      return discard(call)
    case 'export':
      return exportTo(order)
    case 'move':
      return moveFleet(order, call)
  }
}

async function exportTo({
  access,
  order,
}: Extract<MoveArguments, { kind: 'export' }>): Promise<void> {
  goOn =
    order.to.kind === 'file'
      ? `${order.to.path} is as it was.`
      : 'Some devices may be there already. Run the same command again, it may repeat all.'
  const { lines, failed } = await exportFleet(access, order, progress)
  progress.end()
  print(lines)
  process.exitCode = failed > 0 ? 1 : 0
}

/** Names in a copy may be what a device sent. */
function print(lines: readonly string[]): void {
  for (const line of lines) {
    console.log(line.replaceAll(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, '\ufffd'))
  }
}

function statusLines(moves: readonly MoveView[]): string[] {
  return moves.length === 0
    ? ['There is no move.']
    : moves.flatMap((view) => [
        `${view.name} (begun ${view.created_at}): ${view.state}`,
        ...countsOf(view),
        ...checkLines(view),
      ])
}

async function discard(call: Call): Promise<void> {
  const moves = await listMovesAt(call)
  const open = moves.find(({ state }) => state !== 'active')
  if (!open) {
    throw new CliError(
      moves[0]
        ? `the move of ${moves[0].name} is active: its devices are served here, and it stays`
        : 'there is no move to discard',
    )
  }
  goOn = '`npm run move -- --status` shows whether it is still there.'
  await discardAt(call, open.id)
  print([`The move of ${open.name} is discarded. Nothing was served from it.`])
}

async function moveFleet(order: MoveOrder, call: Call): Promise<void> {
  const { access, yes, verbose } = order
  const plan = await planFrom(order)
  print(surveyOf(plan, { verbose, now: Date.now() }))
  if (order.pushCertDir !== undefined) {
    print(writePushPair(order.pushCertDir, plan.pushCertificate))
  }
  print(['', `Server ${access.url}:`, ...(await serverLines(order, call, plan))])
  if (!yes && !(await isConfirmed(order, plan))) {
    return
  }
  await sendFiles(call, plan)
  const moves = await listMovesAt(call)
  const begun = moves.find(({ state }) => state === 'activating')
  if (begun) {
    progress.say(`The activation of ${begun.name} is completed first.`)
    await complete(order, call, begun.id, begun.digest === plan.digest ? plan : undefined)
  }
  if (begun?.digest === plan.digest) {
    return
  }
  const same = moves.find(
    ({ state, digest, devices, items }) =>
      state === 'active' &&
      digest === plan.digest &&
      !devices['contested'] &&
      // An earlier version of the tool kept some kinds as they came.
      plan.items.every(({ kind }) => kind in items),
  )
  if (same) {
    print(['', 'This copy has moved already.', ...(await reportAt(order, call, same, plan))])
  } else {
    await bring(order, call, plan)
  }
}

/** Blueprints name the manifests, so that the files are there first. */
async function sendFiles(call: Call, { repository }: Plan): Promise<void> {
  if (repository) {
    goOn = 'The move is not begun; files that are sent stay. The same command goes on.'
    const { lines, refused } = await uploadRepository(call, repository, progress)
    print(['', ...lines, ...oddLines('These files are not sent:', refused, Infinity)])
    goOn = ''
  }
}

async function planFrom({ source, filerepo }: MoveOrder): Promise<Plan> {
  if (source.kind === 'bindings') {
    return planOfBindings(nameOf(source.path), readAssociations(source.path))
  }
  const copy = await readCopy(source, { fetch })
  const repository = filerepo === undefined ? undefined : readRepository(filerepo)
  try {
    return planOfFleet(copy, readFleet(copy.bytes, { now: Date.now() }), repository)
  } catch (error) {
    throw error instanceof FileFault ? new CliError(`${copy.name}: ${error.message}`) : error
  }
}

/** What the server has to say before anything is sent. */
async function serverLines(
  { access, yes, source }: MoveOrder,
  call: Call,
  plan: Plan,
): Promise<string[]> {
  if (access.apiKey === '') {
    return ['  not asked, because it needs --api-key or API_KEY']
  }
  try {
    const begun = (await listMovesAt(call)).filter(({ state }) => state !== 'active')
    const topic = await topicAt(call)
    const others = pushable(plan).filter((one) => one.topic !== topic).length
    const { host } = new URL((await readEnrollment(access)).profile_url)
    const isOther = source.kind === 'server' && new URL(source.url).host !== host
    return [
      ...begun.map(({ name, state, digest }) => {
        const next = state === 'open' ? 'this copy replaces it' : 'it is completed first'
        return `  the move of ${name} is ${state}: ${digest === plan.digest ? 'it goes on' : next}`
      }),
      `  pushes with the topic ${topic || 'none'}` +
        (others > 0 ? `: ${others} push tokens are of another one, and cannot be pushed` : ''),
      `  is ${host} for its devices` +
        (isOther ? ', and MicroMDM has another name: point that one here, or no device calls' : ''),
    ]
  } catch (error) {
    if (yes || !(error instanceof CliError)) {
      throw error
    }
    return [`  ${error.message}`]
  }
}

async function isConfirmed({ access, activate }: MoveOrder, plan: Plan): Promise<boolean> {
  const { url, apiKey } = access
  if (apiKey === '' || !process.stdin.isTTY || !process.stdout.isTTY) {
    const key = apiKey === '' ? ' --api-key KEY' : ''
    print(['', `Nothing is sent. To move it: npm run move -- … --yes${key}`])
    return false
  }
  const devices = counted(plan.devices.length, 'device')
  const ask = activate
    ? `Move ${devices} to ${url}, and serve them there from now on?`
    : `Send ${devices} to ${url}, and serve nothing of it yet?`
  const terminal = createInterface({ input: process.stdin, output: process.stdout })
  const answer = await new Promise<string>((done) => {
    terminal.question(`\n${ask} [y/N] `, done)
    terminal.once('close', () => done(''))
    // Readline keeps Ctrl-C for itself.
    terminal.once('SIGINT', () => process.kill(process.pid, 'SIGINT'))
  })
  terminal.close()
  const isYes = /^y(es)?$/i.test(answer.trim())
  if (!isYes) {
    print(['Nothing is sent.'])
  }
  return isYes
}

/** Sends what the server does not have, and activates it. */
async function bring(order: MoveOrder, call: Call, plan: Plan): Promise<void> {
  const { source, name, digest } = plan
  goOn =
    'Nothing is served from this move yet. The same command goes on; `npm run move -- --discard` removes it.'
  const { id } = await beginMove(call, { source, name, digest, odd: oddToSend(plan.odd) })
  const { sent, refused } = await sendItems(call, id, plan.items, progress)
  print(['', `Sent ${sent} items; the server had ${plan.items.length - sent} already.`])
  print(oddLines('The server does not take these. They stay as they came:', refused, Infinity))
  if (plan.pushCertificate) {
    print([await installPushPair(call, plan.pushCertificate)])
  }
  print([
    '',
    'Before the activation:',
    ...checkLines(await readMove(call, id)),
    ...blockedLines(plan),
  ])
  if (!order.activate) {
    goOn = ''
    print([
      '',
      'Nothing is served from it yet. The same command without --no-activate activates it.',
    ])
    return
  }
  await complete(order, call, id, plan)
}

async function complete(
  order: MoveOrder,
  call: Call,
  id: string,
  plan: Plan | undefined,
): Promise<void> {
  const { withoutPush } = order
  const before = goOn
  goOn =
    'Once the activation has begun, the server goes on by itself: `npm run move -- --status` shows it, and ' +
    'the same command waits for its end.'
  const view = await activateMove(call, id, { withoutPush, progress, sleep }).catch(
    (error: unknown) => {
      goOn = error instanceof ApiError && error.status === REFUSED ? before : goOn
      throw error
    },
  )
  goOn = 'The move is active. The same command shows its report.'
  print(await reportAt(order, call, view, plan))
}

async function reportAt(
  { verbose }: MoveOrder,
  call: Call,
  view: MoveView,
  plan: Plan | undefined,
): Promise<string[]> {
  const unproven = view.devices['unproven'] ? await unprovenIds(call, view.id) : []
  const enrolment = await enrolmentEnds(call, view)
  return reportOf(view, { plan, unproven, enrolment, topic: await topicAt(call), verbose })
}

/** The API takes so many: some of each kind. */
function oddToSend(odd: readonly Remark[]): Remark[] {
  const kinds = [...Map.groupBy(odd, ({ what }) => what).values()]
  const most = Math.floor(MOST.odd / Math.max(kinds.length, 1))
  return kinds.flatMap((those) => those.slice(0, most))
}
