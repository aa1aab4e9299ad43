import { blueprintsWithProfile } from '../directory/blueprints/blueprints.ts'
import { warn } from '../log.ts'

/** A profile was removed. As in MicroMDM blueprints may still name it: the log says which do. */
export async function noteRemovedProfile(d1: D1Database, profile: string): Promise<void> {
  const names = await blueprintsWithProfile(d1, profile)
  if (names.length > 0) {
    warn('blueprint:profile-removed', { profile, blueprints: names.join(', ') })
  }
}
