import type { SetupKeys, ClaimFault, SetupState } from './calls.ts'

const SET_CODE =
  'add the secret SETUP_CODE in the dashboard of Cloudflare (Workers, this Worker, Settings, Variables and ' +
  'Secrets), or run `npx wrangler secret put SETUP_CODE`, with 20 random characters or more'

/** How to get a setup code; empty if the server has a good one. */
export function hintOf(code: SetupState['code']): string {
  switch (code) {
    case 'missing':
      return `This server has no setup code yet: ${SET_CODE}.`
    case 'weak':
      return `The setup code of this server is too easy to guess: ${SET_CODE}.`
    case 'set':
      return ''
  }
}

export const CLAIMED =
  'This server has an owner, so this page shows no keys any more. They are in the recovery file. If your ' +
  'team has not claimed this server, another person has its keys: delete the Worker, and deploy it again.'

export const INSECURE =
  'This page was not loaded over https, so others could read the keys. Open its address with https://.'

const SENTENCES: Readonly<Record<string, string>> = {
  wrong_setup_code:
    'This is not the setup code of this server. Enter it again, from its first to its last character.',
  already_claimed: CLAIMED,
  no_setup_code: `This server has no setup code that it accepts: ${SET_CODE}.`,
  not_claimed:
    'A part of the server does not know yet that the setup is done. Wait a few seconds, then try again.',
}

/** What went wrong, and what to do. */
export function sentenceOf({ status, code, detail }: ClaimFault): string {
  const known = SENTENCES[code]
  if (known !== undefined) {
    return known
  }
  if (status === 0) {
    return (
      'The server does not answer. Check the connection, then try again. After a reload of this page, the ' +
      'same code shows the same keys.'
    )
  }
  if (status === 429) {
    return 'Too many wrong codes came from your network. Wait a minute, then enter the right one.'
  }
  return detail === ''
    ? `Something else than this server answered (${status}). If a login is in front of it, remove it for ` +
        'this address, then try again.'
    : `The server answered: ${detail}`
}

export interface RecoveryFile {
  readonly name: string
  readonly text: string
}

/** The lines `NAME=value` are in the form that `npm run deploy -- --secrets FILE` reads. */
export function recoveryFile(keys: SetupKeys, now: Date): RecoveryFile {
  const day = now.toISOString().slice(0, 10)
  return {
    name: `edgemdm-recovery-${new URL(keys.url).host.replaceAll(':', '-')}-${day}.txt`,
    text: `Recovery file of an EdgeMDM server

Server  ${keys.url}
Made on ${day}

API_KEY=${keys.api_key}
SEAL_KEYS=${keys.seal_keys}

What this is
The API key opens all of the server's API. The seal keys open what the server keeps sealed: the key of
its certificate authority, tokens and recovery keys of devices. The owner of this file owns the server.

What to do with it
- Keep it in a password manager, or on an encrypted disk that only the owners of the server can read.
  Do not mail it, and do not put it into a repository.
- Programs and people get keys of their own, with fewer rights: npm run keys -- create (docs/keys.md).
- The server has its own copy of the seal keys. If that copy is ever lost, only this file opens the data:
  npm run deploy -- --secrets THIS_FILE (docs/claim.md).
- Move the server's copy into secrets of the Worker: npm run keys -- to-secrets --server ${keys.url}
`,
  }
}

/** The commands on the last screen. */
export function nextCommands({ url }: SetupKeys): { doctor: string; toSecrets: string } {
  return {
    doctor: `npm run doctor -- --server ${url}`,
    toSecrets: `npm run keys -- to-secrets --server ${url}`,
  }
}
