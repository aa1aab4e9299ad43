/**
 * Setup Assistant of a device under Automated Device Enrollment: it waits for DeviceConfigured, and creates
 * accounts (Apple: "Account Configuration Command", "Device Configured Command").
 */
import { pbkdf2Sync } from 'node:crypto'
import { asDict, bytesAt, dictsIn, requiredDict, textAt } from '../../plist/dict.ts'
import { tryToRead } from '../../plist/error.ts'
import { readPlist } from '../../plist/read.ts'
import type { PlistDict } from '../../plist/value.ts'

/** `none`: the device never waited, or Setup Assistant was over when it enrolled. */
export type SetupPhase = 'none' | 'awaiting' | 'released'

/** A local account of a Mac, in a form that can be stored. */
export interface LocalAccount {
  readonly shortName: string
  readonly fullName: string
  readonly isAdmin: boolean
  readonly isHidden: boolean
  /** Base64 of the `passwordHash`; empty for an account whose password the person chooses. */
  readonly passwordHash: string
}

export interface SetupMemory {
  readonly phase: SetupPhase
  readonly accounts: readonly LocalAccount[]
}

export interface SetupAssistant {
  memory(): SetupMemory
  /** AccountConfiguration: the last one before the release counts. Its faults, if it has some. */
  configureAccounts(command: PlistDict): string | undefined
  release(): void
  /** SetAutoAdminPassword: the reason if it is not possible. Without such an account it has no effect. */
  setPassword(command: PlistDict): string | undefined
}

/** The GUID by which the device reports its administrator account. It has one of them. */
export const ADMIN_GUID = '5B6D1C1E-2A4F-4C0B-9E8D-7F6A5B4C3D2E'

/** A device that is set up, or that Setup Assistant never held. */
export const NOT_HELD: SetupMemory = { phase: 'none', accounts: [] }
export const AWAITING: SetupMemory = { phase: 'awaiting', accounts: [] }

export function createSetup(start: SetupMemory): SetupAssistant {
  let memory = start
  return {
    memory: () => memory,
    configureAccounts(command) {
      const fault = faultOfAccounts(command)
      if (fault === undefined) {
        memory = { ...memory, accounts: accountsIn(command) }
      }
      return fault
    },
    release() {
      memory = { ...memory, phase: 'released' }
    },
    setPassword(command) {
      if (!madeAccount(memory)) {
        return undefined
      }
      const hash = bytesAt(command, 'passwordHash')
      if (textAt(command, 'GUID') !== ADMIN_GUID) {
        return 'no account has this GUID'
      }
      if (!hash || !readPasswordHash(hash)) {
        return 'passwordHash cannot be read'
      }
      const passwordHash = Buffer.from(hash).toString('base64')
      const accounts = memory.accounts.map((one) =>
        one.passwordHash === '' ? one : { ...one, passwordHash },
      )
      memory = { ...memory, accounts }
      return undefined
    },
  }
}

/** The account that AccountConfiguration made: it is there after the release. */
export function madeAccount({ phase, accounts }: SetupMemory): LocalAccount | undefined {
  return phase === 'released' ? accounts.find((one) => one.passwordHash !== '') : undefined
}

function faultOfAccounts(command: PlistDict): string | undefined {
  const [admin] = dictsIn(command['AutoSetupAdminAccounts'])
  const needsAdmin = ['SkipPrimarySetupAccountCreation', 'SetPrimarySetupAccountAsRegularUser']
  if (!admin) {
    const lacking = needsAdmin.find((key) => command[key] === true)
    return lacking && `${lacking} needs AutoSetupAdminAccounts`
  }
  const hash = admin['passwordHash']
  return textAt(admin, 'shortName') === '' ||
    !(hash instanceof Uint8Array) ||
    !readPasswordHash(hash)
    ? 'AutoSetupAdminAccounts needs a shortName, and a passwordHash that can be read'
    : undefined
}

/** Of the admins only the first one is created. The person makes the other account after the release. */
function accountsIn(command: PlistDict): LocalAccount[] {
  const [admin] = dictsIn(command['AutoSetupAdminAccounts'])
  const hash = admin && bytesAt(admin, 'passwordHash')
  const accounts: LocalAccount[] = []
  if (admin && hash) {
    accounts.push({
      shortName: textAt(admin, 'shortName'),
      fullName: textAt(admin, 'fullName') || textAt(admin, 'shortName'),
      isAdmin: true,
      isHidden: admin['hidden'] === true,
      passwordHash: Buffer.from(hash).toString('base64'),
    })
  }
  if (command['SkipPrimarySetupAccountCreation'] !== true) {
    const shortName = textAt(command, 'PrimaryAccountUserName') || 'person'
    accounts.push({
      shortName,
      fullName: textAt(command, 'PrimaryAccountFullName') || shortName,
      isAdmin: command['SetPrimarySetupAccountAsRegularUser'] !== true,
      isHidden: false,
      passwordHash: '',
    })
  }
  return accounts
}

/** Whether a password opens the account, as the login window decides it. */
export function opensAccount({ passwordHash }: LocalAccount, password: string): boolean {
  const parts = readPasswordHash(Buffer.from(passwordHash, 'base64'))
  return (
    parts !== undefined &&
    pbkdf2Sync(password, parts.salt, parts.iterations, parts.entropy.length, 'sha512').equals(
      parts.entropy,
    )
  )
}

/** The plist in a `passwordHash`: PBKDF2 of the password by SHA-512. */
function readPasswordHash(bytes: Uint8Array) {
  return tryToRead(() => {
    const parts = requiredDict(asDict(readPlist(bytes)), 'SALTED-SHA512-PBKDF2')
    const entropy = bytesAt(parts, 'entropy')
    const salt = bytesAt(parts, 'salt')
    const iterations = Number(parts['iterations'])
    return entropy && salt && iterations > 0 ? { entropy, salt, iterations } : undefined
  })
}
