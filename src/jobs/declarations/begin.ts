import { reasonOf } from '../../reason.ts'
import { warn } from '../../log.ts'
import type { RoundEnv } from '../work.ts'

export interface OffersEnv {
  readonly JOB: { getByName(name: string): Pick<ReturnType<RoundEnv['JOB']['getByName']>, 'start'> }
}

/** Names the job. */
export const DECLARATIONS = 'declarations'

/**
 * Begins the round that tells devices of changed declarations, or lets the one that goes on find the change.
 * The change is stored already: if this fails, the next change or the daily duty begins the round.
 */
export async function beginOffers({ JOB }: OffersEnv): Promise<void> {
  try {
    await JOB.getByName(DECLARATIONS).start({ name: DECLARATIONS, kind: 'declarations', work: '' })
  } catch (error) {
    warn('declarations:round-not-begun', { reason: reasonOf(error) })
  }
}
