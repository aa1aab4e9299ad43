import { giveBack, takeCounts, type Counts } from './count.ts'

/** The one object that keeps the figures of the deployment. */
export interface FigureEnv {
  readonly CONTROL?: { getByName(name: string): { addCounts(counts: Counts): Promise<void> } }
}

/** The name of the object. */
export const CONTROL_NAME = 'control'

/** Hands the counts of this isolate on if it is time. What fails is tried again with later counts. */
export function reportCounts(env: FigureEnv, later: (work: Promise<void>) => void): void {
  const taken = env.CONTROL && takeCounts()
  if (taken) {
    later(hand(env.CONTROL, taken))
  }
}

async function hand(objects: FigureEnv['CONTROL'], taken: Counts): Promise<void> {
  try {
    await objects?.getByName(CONTROL_NAME).addCounts(taken)
  } catch {
    // A line of the log would be counted too, and be the next reason to call.
    giveBack(taken)
  }
}
