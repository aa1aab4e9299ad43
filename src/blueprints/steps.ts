import type { Blueprint, BlueprintStep } from './blueprint.ts'
import type { StepWait } from './plan.ts'

/** The seconds that a step may take where it does not say so itself. */
const USUAL_TIMEOUT = 300
/** Some releases answer NotNow to declarations for as long as Setup Assistant runs. */
const DECLARATIONS_TIMEOUT = 60

/** What a step is about: an identifier, a URL, a request type; empty for `hold` and `release`. */
export function subjectOf(step: BlueprintStep): string {
  switch (step.do) {
    case 'profile':
      return step.id
    case 'package':
      return step.manifest
    case 'app':
      return String(step.itunes_store_id)
    case 'declarations':
      return (step.of ?? []).join(', ')
    case 'account':
      return step.admin ?? ''
    case 'command':
      return requestTypeOf(step.command)
    default:
      return ''
  }
}

/** The request type of a command in MicroMDM's JSON or under Apple's keys; empty if it has none. */
export function requestTypeOf(command: Readonly<Record<string, unknown>>): string {
  const apples = command['Command']
  const name =
    typeof apples === 'object' && apples !== null && 'RequestType' in apples
      ? apples.RequestType
      : command['request_type']
  return typeof name === 'string' ? name : ''
}

/** What has to be true before the next step begins. */
export function waitOf(step: BlueprintStep): StepWait {
  switch (step.do) {
    case 'package':
    case 'app':
      return step.wait === 'installed' && step.identifier !== undefined
        ? { kind: 'installed', identifier: step.identifier }
        : { kind: 'ack' }
    case 'declarations':
      return (step.wait ?? (step.of ? 'valid' : 'ack')) === 'valid'
        ? { kind: 'valid', of: step.of ?? [] }
        : { kind: 'ack' }
    case 'hold':
      return { kind: 'signal' }
    default:
      return { kind: 'ack' }
  }
}

/** How long a step may take, in milliseconds. */
export function timeoutOf(step: BlueprintStep, blueprint: Pick<Blueprint, 'time_limit_s'>): number {
  const usual =
    step.do === 'hold'
      ? blueprint.time_limit_s
      : step.do === 'declarations'
        ? DECLARATIONS_TIMEOUT
        : USUAL_TIMEOUT
  return (step.timeout_s ?? usual) * 1000
}
