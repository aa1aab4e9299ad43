import type { DeclarationNeeds } from './facts.ts'

/** A declaration as a device's object needs it: all but its payload. */
export interface DeclarationItem {
  readonly identifier: string
  readonly type: string
  /** Names its content, which is equal if the token is: 32 hex digits, then `.n` if an admin touched it. */
  readonly token: string
  readonly needs: DeclarationNeeds
  /** Identifiers of assets that it names: they have to stand in the same manifest. */
  readonly assets: readonly string[]
  /** Of an activation: the configurations that it names. */
  readonly configurations: readonly string[]
  /** Names of variables in its payload: `serial_number` for `${serial_number}`. */
  readonly variables: readonly string[]
  /** SHA-256 of the hosted files that it names: the device may fetch them. */
  readonly files: readonly string[]
  /** The PayloadIdentifiers of the hosted profiles that it names. */
  readonly profiles?: readonly string[]
  /** A staged roll-out: devices outside the share keep the earlier content. */
  readonly rollout?: Rollout
}

export interface Rollout {
  /** 0 to 100: the share of devices that get the new content. */
  readonly percent: number
  /** The content that the others keep; `undefined` if they get none. */
  readonly before: Omit<DeclarationItem, 'identifier' | 'rollout'> | undefined
}
