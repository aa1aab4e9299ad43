import type { Schema } from '../../api/types.ts'

/** What a command’s secret is for a person, by the type of the command. */
export const SECRET_WORDS: Readonly<Record<string, string>> = {
  DeviceLock: 'Lock PIN',
  EraseDevice: 'Erase PIN',
  SetRecoveryLock: 'Recovery Lock password',
  SetFirmwarePassword: 'Firmware password',
  SetAutoAdminPassword: 'Password hash of the managed administrator',
  AccountConfiguration: 'Password hash of the accounts made at setup',
  RotateFileVaultKey: 'FileVault recovery key',
  ActivationLockBypassCode: 'Activation Lock bypass code',
  RequestUnlockToken: 'Unlock token',
}

export const TOKEN_WORDS: Readonly<Record<Schema<'EscrowToken'>['kind'], string>> = {
  unlock_token: 'Unlock token',
  bootstrap_token: 'Bootstrap token',
  admin_password: 'Password of the managed administrator',
  activation_lock_bypass: 'Activation Lock bypass code',
}

/** Something of the device that can be revealed. */
export interface DeviceSecret {
  /** `token:1` or `command:17`. */
  readonly id: string
  readonly label: string
  /** Where it comes from, in words. */
  readonly origin: string
  /** When it was stored or queued. */
  readonly at: string | null
  readonly source:
    | { readonly kind: 'token'; readonly token: Schema<'EscrowToken'> }
    | { readonly kind: 'command'; readonly command: Schema<'SecretCommand'> }
}

/** All that can be revealed, the most wanted first: present ones, the newest, then what is archived. */
export function secretsOfDevice(
  tokens: readonly Schema<'EscrowToken'>[],
  commands: readonly Schema<'SecretCommand'>[],
): DeviceSecret[] {
  const fromCommands = commands.map((command): DeviceSecret => ({
    id: `command:${command.command_id.slice(command.command_id.lastIndexOf('.') + 1)}`,
    label: SECRET_WORDS[command.request_type] ?? command.request_type,
    origin: `${command.request_type}, ${COMMAND_STANDING[command.state] ?? command.state}`,
    at: command.answered_at ?? command.queued_at,
    source: { kind: 'command', command },
  }))
  const fromTokens = tokens.map((token): DeviceSecret => ({
    id: `token:${token.id}`,
    label: TOKEN_WORDS[token.kind],
    origin:
      token.archived_at === null ? 'of the present enrolment' : 'of an enrolment that has ended',
    at: token.stored_at,
    source: { kind: 'token', token },
  }))
  const isOld = ({ source }: DeviceSecret): boolean =>
    source.kind === 'token' && source.token.archived_at !== null
  const all = [...fromCommands, ...fromTokens].toSorted((one, other) =>
    (other.at ?? '').localeCompare(one.at ?? ''),
  )
  return [...all.filter((one) => !isOld(one)), ...all.filter(isOld)]
}

const COMMAND_STANDING: Readonly<Record<string, string>> = {
  held: 'held',
  queued: 'waiting',
  sent: 'given to the device',
  not_now: 'put off by the device',
  stalled: 'ignored by the device',
  acknowledged: 'carried out',
  error: 'refused by the device',
  format_error: 'not understood by the device',
  cancelled: 'cancelled after the device had it',
  expired: 'expired after the device had it',
  superseded: 'of an earlier enrolment',
}

/** The newest different reasons that were given before. */
export function reasonsBefore(reads: readonly Pick<Schema<'EscrowRead'>, 'reason'>[]): string[] {
  return [...new Set(reads.map(({ reason }) => reason))].slice(0, 3)
}

/** One value to show: its name and its text. */
export interface RevealedValue {
  readonly name: string
  readonly text: string
}

/** The named secrets of a command, such as `command.PIN`, out of what revealCommand answers. */
export function revealedOf(
  names: readonly string[],
  bodies: { readonly command: unknown; readonly result: unknown },
): RevealedValue[] {
  return names.flatMap((name) => {
    const [part = '', key] = name.split(/\.(.*)/s)
    const body: unknown = part === 'command' ? bodies.command : bodies.result
    const value =
      key === undefined
        ? body
        : typeof body === 'object' && body !== null
          ? new Map<string, unknown>(Object.entries(body)).get(key)
          : undefined
    return value === undefined || value === null ? [] : [{ name: key ?? part, text: textOf(value) }]
  })
}

function textOf(value: unknown): string {
  if (typeof value === 'object' && value !== null) {
    const [[key, data] = ['', ''], more] = Object.entries(value)
    return key === '$data' && more === undefined && typeof data === 'string'
      ? data
      : JSON.stringify(value, undefined, 2)
  }
  return String(value)
}

/** A token as people use it: a password or a code as text, a token as base64. */
export function tokenText(kind: Schema<'EscrowToken'>['kind'], base64: string): string {
  if (kind === 'unlock_token' || kind === 'bootstrap_token') {
    return base64
  }
  const bytes = Uint8Array.from(atob(base64), (char) => char.codePointAt(0) ?? 0)
  return new TextDecoder().decode(bytes)
}

/** Letters that look alike, by name. */
const LOOKALIKES: Readonly<Record<string, string>> = {
  '0': 'zero',
  O: 'capital O',
  o: 'small o',
  '1': 'one',
  l: 'small L',
  I: 'capital i',
  '|': 'bar',
  '5': 'five',
  S: 'capital S',
  '8': 'eight',
  B: 'capital B',
  '2': 'two',
  Z: 'capital Z',
  ' ': 'space',
}

/** Each sign of a text with its name, for somebody on the phone. */
export function spelt(text: string): { readonly sign: string; readonly name: string }[] {
  return Array.from(text, (sign) => ({ sign, name: LOOKALIKES[sign] ?? nameOfSign(sign) }))
}

function nameOfSign(sign: string): string {
  if (/\p{Lu}/u.test(sign)) {
    return `capital ${sign}`
  }
  return /\p{Ll}/u.test(sign) ? `small ${sign}` : sign
}
