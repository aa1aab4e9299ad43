/**
 * Probes of the platform (docs/health.md). Each has an object of its own, under a name that no other has, and
 * nothing of it stays.
 */
import { clock, inTime } from '../clock.ts'
import { reasonOf } from '../reason.ts'

/** A call waits in this memory for what the platform does: an alarm that rings, a message of the queue. */
export interface ProbeMemory {
  readonly happened: PromiseWithResolvers<void>
  waits: boolean
}

const PROBE = 'probe'
const PREFIX = 'probe:'

export function newProbeName(): string {
  return PREFIX + crypto.randomUUID()
}

export function newProbeMemory(): ProbeMemory {
  return { happened: Promise.withResolvers(), waits: false }
}

/** Writes, lets the alarm ring, reads and deletes all. @returns why that failed; empty if it did not */
export async function probeAlarm(
  { id, storage }: Pick<DurableObjectState, 'id' | 'storage'>,
  memory: ProbeMemory,
  ms: number,
): Promise<string> {
  if (id.name?.startsWith(PREFIX) !== true) {
    return 'a probe would delete what this object keeps'
  }
  memory.waits = true
  storage.kv.put(PROBE, id.name)
  await storage.setAlarm(clock.now())
  const late = await awaitProbe(memory, ms)
  const isThere = storage.kv.get(PROBE) === id.name
  await storage.deleteAlarm()
  await storage.deleteAll()
  return late || (isThere ? '' : 'a value that was written is not there')
}

/** Waits for an alarm or a message. @returns why none came; empty if one did */
export async function awaitProbe({ happened }: ProbeMemory, ms: number): Promise<string> {
  try {
    await inTime(ms, happened.promise)
    return ''
  } catch (error) {
    return reasonOf(error)
  }
}

/** Whether the alarm is a probe's. If the process of its call is gone, all is deleted here. */
export async function ringProbe(
  storage: DurableObjectStorage,
  memory: ProbeMemory,
): Promise<boolean> {
  if (storage.kv.get(PROBE) === undefined) {
    return false
  }
  if (memory.waits) {
    memory.happened.resolve()
  } else {
    await storage.deleteAll()
  }
  return true
}
