/** `npm run push-cert`: from the first request to a push certificate in use, and to its renewal each year. */
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline/promises'
import type { Certificate } from '../../pki/x509/certificate.ts'
import { CliError, complaintOf } from '../error.ts'
import { printable } from '../start/terminal/words.ts'
import { listDeployments, makeStateDirectory } from '../state.ts'
import { type Command, helpOf, readFlags, required, textFlag, type Values } from './arguments.ts'
import { installLocally } from './install.ts'
import { keepInstalled } from './installed.ts'
import { pushFolder } from './installed-push.ts'
import { readPushPair } from './pair.ts'
import { installInProduction, wranglerIn } from './production.ts'
import {
  awaitFrom,
  commandIn,
  dayOf,
  nextPushStep,
  type CertificateRecord,
  readCertificateRecord,
  remember,
  SIGNED_REQUEST,
} from './record.ts'
import { acceptSigned, readBytes, type Role, signRequest, writeRequest } from './request.ts'
import { certificateToRenew, factsOf, type PushPlace, showPush } from './show.ts'
import { orderSignature, SERVICE } from './signing-service.ts'

const PROJECT = resolve(import.meta.dirname, '../../..')

const COMMANDS: Readonly<Record<string, Command>> = {
  'vendor-csr': {
    help: 'makes the vendor’s key and request, for developer.apple.com',
    flags: ['email', 'country', 'cn'],
    run: (values) => {
      const file = writeRequestOf(values, 'vendor', required(values, 'email'))
      return waits(values, `${file} is the request of an MDM vendor.`, 'vendor-certificate')
    },
  },
  'push-csr': {
    help: 'makes the push certificate’s key and request',
    flags: ['email', 'country', 'cn'],
    run: (values) => makeRequest(values, required(values, 'email')),
  },
  sign: {
    help: 'signs the request with the vendor certificate',
    flags: ['vendor-cert', 'csr', 'wwdr', 'root'],
    run: sign,
  },
  request: {
    help: 'has mdmcert.download sign the request, and mail it',
    flags: ['mdmcert-email', 'mdmcert-key', 'mdmcert-url', 'email', 'country', 'cn'],
    run: (values) => orderRequest(values, required(values, 'mdmcert-email')),
  },
  decrypt: {
    help: 'opens and checks a request that was signed for us',
    flags: ['file'],
    run: (values) => {
      const vendor = acceptSigned(folderOf(values), required(values, 'file'), Date.now())
      return signedBy(values, vendor)
    },
  },
  install: {
    help: 'checks the certificate from Apple, and has pushes leave with it',
    flags: ['cert', 'key', 'account', 'force', 'production', 'api-key'],
    run: install,
  },
  renew: {
    help: 'shows what to renew, and makes the new request',
    flags: [
      ...(['production', 'mdmcert-email', 'mdmcert-key', 'mdmcert-url'] as const),
      ...(['vendor-cert', 'wwdr', 'root', 'email', 'country', 'cn'] as const),
    ],
    run: renew,
  },
  note: {
    help: 'records the Apple Account that made the certificate',
    flags: ['account'],
    run: (values) => {
      const account = required(values, 'account')
      remember(folderOf(values), { account })
      return `Only the Apple Account ${account} can renew the push certificate.`
    },
  },
  show: {
    help: 'shows the certificate in use, the request on its way, and the next step',
    flags: ['production'],
    run: (values) => showPush(placeOf(values)),
  },
}

try {
  console.log(await main(process.argv.slice(2)))
} catch (error) {
  console.error('push-cert:', complaintOf(error))
  process.exitCode = 1
}

function main([name = '--help', ...args]: readonly string[]): Promise<string> | string {
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined
  if ([name, ...args].some((argument) => argument === '--help' || argument === '-h')) {
    return helpOf(COMMANDS)
  }
  if (!command) {
    throw new CliError(`${name} is none of ${Object.keys(COMMANDS).join(', ')}`)
  }
  return command.run(readFlags(command, args))
}

/** The address in a request serves again for the next one. */
function writeRequestOf(values: Values, role: Role, email: string): string {
  const folder = folderOf(values)
  remember(folder, { email })
  return writeRequest(folder, role, {
    email,
    country: textFlag(values, 'country') ?? 'US',
    commonName: textFlag(values, 'cn') ?? `EdgeMDM ${role}`,
  })
}

function makeRequest(values: Values, email: string): string {
  const file = writeRequestOf(values, 'push', email)
  return waits(values, `${file} is the request of the push certificate.`, 'signature')
}

async function sign(values: Values): Promise<string> {
  const folder = folderOf(values)
  const requestFile = textFlag(values, 'csr')
  const vendor = await signRequest({
    folder,
    vendorCertificateFile: required(values, 'vendor-cert'),
    requestFile,
    wwdrFile: textFlag(values, 'wwdr'),
    rootFile: textFlag(values, 'root'),
    fetch,
    now: Date.now(),
  })
  return requestFile === undefined
    ? signedBy(values, vendor)
    : `${join(folder, SIGNED_REQUEST)} is the signed request of the customer.
Next: send it back. The customer uploads it, and the key stays there.`
}

async function orderRequest(values: Values, email: string): Promise<string> {
  const folder = folderOf(values)
  const file = writeRequestOf(values, 'push', textFlag(values, 'email') ?? email)
  const clientKey = textFlag(values, 'mdmcert-key') ?? process.env['MDMCERT_KEY'] ?? ''
  if (clientKey === '') {
    awaitFrom(folder, 'signature', Date.now())
    throw new CliError(withoutClientKey(folder, file))
  }
  const url = textFlag(values, 'mdmcert-url') ?? SERVICE
  const csr = readBytes(file).toString('latin1')
  await orderSignature({ folder, csr, email, clientKey, url, fetch, now: Date.now() })
  const taken = `${URL.parse(url)?.host} took the request, and mails the answer to ${email}.`
  return waits(values, taken, 'mail', { service_email: email })
}

/** The service counts the programs that ask, so a key of another program would not be honest. */
function withoutClientKey(folder: string, file: string): string {
  return `nothing was sent: mdmcert.download takes requests only with a client key, and none is built in.
${file} is made. There are three ways on:
- Ask the operators of https://mdmcert.download for a client key (free), register your address there, and
  repeat this command with the key in MDMCERT_KEY.
- With an MDM vendor certificate of your own: ${commandIn(folder, 'sign --vendor-cert mdm.cer')}
  Without one yet: ${commandIn(folder, 'vendor-csr --email YOU@EXAMPLE.COM')}
- Have another MDM vendor sign ${file}. Check its answer:
  ${commandIn(folder, `decrypt --file ${SIGNED_REQUEST}`)}`
}

async function renew(values: Values): Promise<string> {
  const place = placeOf(values)
  const certificate = certificateToRenew(place)
  const record = remember(place.folder, {
    ...(certificate.uid !== undefined && { topic: certificate.uid }),
    not_after: new Date(certificate.notAfter).toISOString(),
  })
  const facts = [
    ...factsOf(certificate, place.now),
    ['Account', record.account],
    ['Vendor', record.vendor],
  ]
  for (const [name = '', value] of facts) {
    console.log(`${name.padEnd(12)} ${value ?? 'not recorded'}`)
  }
  const registered = textFlag(values, 'mdmcert-email') ?? record.service_email
  const ownVendor = textFlag(values, 'vendor-cert') !== undefined
  if (registered !== undefined && !ownVendor) {
    return orderRequest(values, registered)
  }
  const made = makeRequest(
    values,
    textFlag(values, 'email') ?? record.email ?? required(values, 'email'),
  )
  return ownVendor ? sign(values) : made
}

async function install(values: Values): Promise<string> {
  const stateDir = makeStateDirectory(textFlag(values, 'state') ?? '.edgemdm')
  const folder = pushFolder(stateDir)
  refuseOverDeployments(values.production === true ? listDeployments(stateDir) : [])
  const now = Date.now()
  const keyFile = textFlag(values, 'key') ?? join(folder, 'push.key')
  const push = readPushPair({ certificateFile: required(values, 'cert'), keyFile }, now)
  const force = values.force === true
  const account =
    textFlag(values, 'account') ?? readCertificateRecord(folder).account ?? (await askForAccount())
  const facts = `Topic ${push.topic}, valid until ${dayOf(push.notAfter)}.`
  if (values.production === true) {
    const wrangler = wranglerIn(PROJECT)
    const ids = await installInProduction({ projectDir: PROJECT, folder, push, force, wrangler })
    return [
      `The Worker is deployed with this push certificate. ${facts}`,
      'Keep wrangler.toml: it names the certificate.',
      ...keepInstalled({ folder, push, account, ...ids, now }),
    ].join('\n')
  }
  const apiKey = textFlag(values, 'api-key')
  const server = await installLocally({
    stateDir,
    push,
    force,
    apiKey,
    env: process.env,
    fetch,
    now,
  })
  return [
    server === 'running'
      ? `The running server pushes with this certificate from now on. ${facts}`
      : `npm start will push with this certificate. ${facts}`,
    ...keepInstalled({ folder, push, account, certificateId: undefined, now }),
  ].join('\n')
}

/** A deploy of the committed wrangler.toml would take their host names away. */
function refuseOverDeployments([name]: readonly string[]): void {
  if (name !== undefined) {
    throw new CliError(
      `--production is for a Worker that was deployed by hand, and ${name} has a folder of npm run deploy. ` +
        `Use npm run deploy -- --name ${name} --push-cert MDM_….pem`,
    )
  }
}

/** Asks a person only: the answer to a program would never come. */
async function askForAccount(): Promise<string | undefined> {
  if (!process.stdin.isTTY) {
    return undefined
  }
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  try {
    const answer = await terminal.question(
      'Which Apple Account made this certificate? It is recorded for the renewal (Enter: unknown) ',
    )
    return answer.trim() || undefined
  } finally {
    terminal.close()
  }
}

function signedBy(values: Values, vendor: Certificate): string {
  const name = printable(vendor.commonName ?? vendor.subjectText)
  const file = join(folderOf(values), SIGNED_REQUEST)
  const done = `${file} is the signed request.
The vendor is ${name}. Its certificate ends on ${dayOf(vendor.notAfter)}.`
  return waits(values, done, 'portal', { vendor: name })
}

/** Remembers what the request waits for, and adds the next step to what is done. */
function waits(
  values: Values,
  done: string,
  awaits: Parameters<typeof awaitFrom>[1],
  others: CertificateRecord = {},
): string {
  const folder = folderOf(values)
  const record = awaitFrom(folder, awaits, Date.now(), others)
  return `${done}\n${nextPushStep(folder, record)}`
}

function placeOf(values: Values): PushPlace {
  const place = { folder: folderOf(values), now: Date.now() }
  return values.production === true ? { ...place, projectDir: PROJECT } : place
}

function folderOf(values: Values): string {
  return pushFolder(makeStateDirectory(textFlag(values, 'state') ?? '.edgemdm'))
}
