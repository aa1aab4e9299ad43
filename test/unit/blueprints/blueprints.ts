import type { Blueprint } from '../../../src/blueprints/blueprint.ts'
import { BLUEPRINT_DEFAULTS } from '../../../src/blueprints/check.ts'
import type { SetupCandidate } from '../../../src/blueprints/select.ts'

/** A blueprint for all devices. */
export function blueprint(parts: Partial<Blueprint> = {}): Blueprint {
  return {
    ...BLUEPRINT_DEFAULTS,
    uuid: 'b-1',
    name: 'All',
    version: 1,
    apply_at: ['Enroll'],
    steps: [],
    ...parts,
  }
}

/** A Mac that has proven nothing. */
export function candidate(parts: Partial<SetupCandidate> = {}): SetupCandidate {
  return {
    platform: 'macOS',
    osVersion: '14.6.1',
    models: ['MacBookAir10,1', 'MacBook Air'],
    params: {},
    ...parts,
  }
}
