/** Declarative management of one channel (Apple: "Integrating declarative management"). */
import type { ChannelFacts } from '../../../ddm/facts.ts'
import type { Reported } from '../../../ddm/states.ts'
import type { InstalledItems } from '../answers/installed.ts'
import type { OperatingSystem } from '../os.ts'
import { HARDWARE } from '../platforms.ts'
import { describeFailure } from '../session.ts'
import { attemptAll, installDeclaredProfiles } from './apply.ts'
import { readSyncToken } from './declaration.ts'
import { type ChosenFaults, countFaults, type TakeFault } from './faults.ts'
import type { Download, DownloadedFile } from './files.ts'
import { findActivity, findStates, propertiesOf } from './findings.ts'
import { composeReport, statusValues, subscribedItems } from './status.ts'
import { type AskServer, delivered, fetchDeclarations, type Kept } from './sync.ts'
import { chooseUpdate, newUpdate, stepUpdate, type Update, type InstallState } from './update.ts'

/** Declarative management, as a test or a program sees it. */
export interface Declarative {
  readonly isOn: boolean
  /** The DeclarationsToken of the manifest that it has. */
  readonly token: string | undefined
  /** Its declarations as it reports them; empty when it is off. */
  readonly states: readonly Reported[]
  /** A DeclarativeManagement command: turns it on, and asks for a synchronisation. */
  takeOver(data?: Uint8Array): { readonly Status: 'Acknowledged' | 'NotNow' }
  /**
   * Synchronises when that is asked for, or failed last time. `poll` calls it after each session.
   * @returns why it failed
   */
  catchUp(): Promise<string | undefined>
  /** A full report, as devices send one each day. @throws Error when it is not delivered */
  reportAll(): Promise<void>
  /**
   * The next step of an enforced update, or its failure, and the report of it. The last step installs the
   * OS; the device then synchronises by itself. @throws Error when the report is not delivered
   */
  stepUpdate(failure?: string): Promise<InstallState>
  /** Turns it off and forgets everything, as when management ends. */
  forget(): void
}

export interface DeclarativeOptions {
  readonly facts: () => ChannelFacts
  readonly os: () => OperatingSystem
  readonly installOS: (os: Pick<OperatingSystem, 'version' | 'build'>) => void
  readonly udid: string
  readonly installed: InstalledItems
  readonly ask: AskServer
  readonly download: Download
  readonly now: () => Date
  readonly wait: (ms: number) => Promise<void>
  readonly faults: ChosenFaults
  /** Continues a device that had it on: it fetches everything anew. */
  readonly wasOn: boolean
  /** Called when states of declarations changed. */
  readonly applied: (states: readonly Reported[]) => void
}

interface Memory extends Kept {
  /** The synchronisation that is due: the token of its command, or `undefined` to ask for it. */
  due: { readonly offered: string | undefined } | undefined
  /** Whether the kept declarations are applied. */
  isApplied: boolean
  isFullDue: boolean
  states: readonly Reported[]
  reported: ReadonlyMap<string, string>
  readonly files: Map<string, DownloadedFile>
  readonly update: Update
}

interface Engine extends DeclarativeOptions {
  readonly takeFault: TakeFault
}

export function createDeclarative(options: DeclarativeOptions): Declarative {
  const engine: Engine = {
    ...options,
    takeFault: countFaults(options.faults),
    async ask(endpoint, data) {
      if (options.faults.slow !== undefined) {
        await options.wait(options.faults.slow)
      }
      return options.ask(endpoint, data)
    },
  }
  let memory = options.wasOn ? newMemory() : undefined

  return {
    get isOn() {
      return memory !== undefined
    },
    get token() {
      return memory?.token
    },
    get states() {
      return memory?.states ?? []
    },
    takeOver(data) {
      if (engine.takeFault('not-now')) {
        return { Status: 'NotNow' }
      }
      memory ??= newMemory()
      memory.due = { offered: data && offeredIn(data) }
      return { Status: 'Acknowledged' }
    },
    catchUp: () => synchroniseDue(engine, memory),
    async reportAll() {
      if (memory) {
        memory.isFullDue = true
        await report(engine, memory)
      }
    },
    async stepUpdate(failure) {
      const own = memory
      if (!own) {
        return 'none'
      }
      const installed = stepUpdate(own.update, engine.now(), failure)
      if (installed) {
        engine.installOS(installed)
        own.due = { offered: undefined }
      }
      await apply(engine, own)
      await report(engine, own)
      await synchroniseDue(engine, own)
      return own.update.state
    },
    forget() {
      memory = undefined
      installDeclaredProfiles([], new Map(), new Map(), engine.installed)
    },
  }
}

async function synchroniseDue(
  engine: Engine,
  own: Memory | undefined,
): Promise<string | undefined> {
  const due = own?.due
  if (!own || !due) {
    return undefined
  }
  try {
    if (await fetchDeclarations(own, engine.ask, engine.takeFault, due.offered)) {
      own.isApplied = false
    }
    if (!own.isApplied) {
      await apply(engine, own)
      // A download that failed is tried again.
      own.isApplied = ![...own.files.values()].some(({ fault }) => fault)
      lose(engine, own)
    }
    await report(engine, own)
  } catch (error) {
    // The next time it asks for the token.
    own.due = { offered: undefined }
    return `declarations: ${describeFailure(error)}`
  }
  own.due = own.due === due ? undefined : own.due
  return undefined
}

/** The fault `loses`. */
function lose({ takeFault }: Engine, own: Memory): void {
  const configurations = [...own.held.values()].filter(({ kind }) => kind === 'configuration')
  for (const { identifier } of configurations) {
    if (takeFault('loses')) {
      own.held = new Map([...own.held].filter(([name]) => name !== identifier))
      own.states = own.states.filter((state) => state.identifier !== identifier)
    }
  }
}

async function apply(engine: Engine, own: Memory): Promise<void> {
  const { held, files, update } = own
  const facts = engine.facts()
  const [properties, values] = [propertiesOf(held), valuesOf(engine, own)]
  const activity = findActivity(held, {
    facts,
    status: (name) => values[name],
    property: (key) => properties[key],
  })
  const ready = findStates(held, activity, facts, new Map())
    .filter(({ active, valid }) => active && valid === 'valid')
    .flatMap(({ identifier }) => held.get(identifier) ?? [])
  const { download } = engine
  const faults = await attemptAll(ready, { os: engine.os(), download, files })
  own.states = findStates(held, activity, facts, faults)
  installDeclaredProfiles(own.states, held, files, engine.installed)
  chooseUpdate(update, own.states, held, facts.platform ?? 'macOS')
  engine.applied(own.states)
}

function valuesOf(engine: Engine, { update }: Memory) {
  const facts = engine.facts()
  const hardware = HARDWARE[facts.platform ?? 'macOS']
  return statusValues({ facts, os: engine.os(), hardware, udid: engine.udid }, update)
}

async function report(engine: Engine, own: Memory): Promise<void> {
  const { held, states } = own
  const { body, hasNews, reported } = composeReport(
    {
      states,
      declarationKind: (identifier) => held.get(identifier)?.kind ?? '',
      facts: engine.facts(),
      values: valuesOf(engine, own),
      subscribed: subscribedItems(states, held),
    },
    own.reported,
    own.isFullDue,
  )
  if (hasNews && !engine.takeFault('no-status')) {
    const text = engine.takeFault('broken-status') ? 'no JSON' : JSON.stringify(body)
    delivered(await engine.ask('status', new TextEncoder().encode(text)), 'status')
  }
  own.reported = reported
  own.isFullDue = false
}

/** The token in a command's `Data`. For other data the device asks the server. */
function offeredIn(data: Uint8Array): string | undefined {
  try {
    return readSyncToken(data)
  } catch {
    return undefined
  }
}

function newMemory(): Memory {
  return {
    token: undefined,
    held: new Map(),
    due: { offered: undefined },
    isApplied: false,
    isFullDue: true,
    states: [],
    reported: new Map(),
    files: new Map(),
    update: newUpdate(),
  }
}
