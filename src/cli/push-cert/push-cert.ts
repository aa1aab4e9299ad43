/** `npm run push-cert`: from the first request to a push certificate in use. */
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { daysUntil, expiryWarning, readPushCertificate } from '../../pki/x509/push-certificate.ts'
import { pem } from '../../pki/x509/issue.ts'
import type { Certificate } from '../../pki/x509/certificate.ts'
import { CliError, complaintOf, messageOf } from '../error.ts'
import { pushFolder, readInstalledPush } from './installed-push.ts'
import { checkText } from '../options.ts'
import { installLocally } from './install.ts'
import { installInProduction } from './production.ts'
import { readBytes, readCertificateFile, type Role, signRequest, writeRequest } from './request.ts'
import { pushIdentity, sealKeysOf } from '../settings.ts'
import { makeStateDirectory, openState } from '../state.ts'
import { readPushCertificateIn } from './wrangler-toml.ts'

const PROJECT = resolve(import.meta.dirname, '../../..')
const PORTAL = 'https://identity.apple.com/pushcert'

const FLAGS = {
  state: { type: 'string', argument: 'DIR', help: 'where everything is kept (.edgemdm)' },
  email: { type: 'string', argument: 'ADDRESS', help: 'e-mail address in the request' },
  country: { type: 'string', argument: 'CC', help: 'country in the request, two letters (US)' },
  cn: { type: 'string', argument: 'NAME', help: 'common name in the request' },
  'vendor-cert': {
    type: 'string',
    argument: 'FILE',
    help: 'the MDM vendor certificate from Apple',
  },
  csr: { type: 'string', argument: 'FILE', help: 'a customer’s request instead of our push.csr' },
  wwdr: {
    type: 'string',
    argument: 'FILE',
    help: 'Apple’s WWDR certificate instead of fetching it',
  },
  root: {
    type: 'string',
    argument: 'FILE',
    help: 'Apple’s root certificate instead of fetching it',
  },
  cert: { type: 'string', argument: 'FILE', help: 'the push certificate from Apple, PEM' },
  key: { type: 'string', argument: 'FILE', help: 'its key, PEM (push.key, made by push-csr)' },
  production: { type: 'boolean', argument: '', help: 'the deployed Worker instead of npm start’s' },
  force: { type: 'boolean', argument: '', help: 'change the topic of enrolled devices' },
  'api-key': { type: 'string', argument: 'KEY', help: 'API key of the running server' },
} as const

type FlagName = keyof typeof FLAGS
type Values = { readonly [Name in FlagName]?: string | boolean | undefined }

interface Command {
  help: string
  flags: readonly FlagName[]
  run(values: Values): Promise<string> | string
}

const COMMANDS: Readonly<Record<string, Command>> = {
  'vendor-csr': {
    help: 'makes the vendor’s key and request, for developer.apple.com',
    flags: ['email', 'country', 'cn'],
    run: (values) => {
      const file = request(values, 'vendor')
      return `${file} is the request of an MDM vendor.
Next: upload it at https://developer.apple.com/account/resources/certificates (type "MDM CSR", for accounts
that Apple made MDM vendors), download the certificate, and make the request of the push certificate:
  npm run push-cert -- push-csr --email YOU@EXAMPLE.COM`
    },
  },
  'push-csr': {
    help: 'makes the push certificate’s key and request',
    flags: ['email', 'country', 'cn'],
    run: (values) => {
      const file = request(values, 'push')
      return `${file} is the request of the push certificate.
Next: have a vendor sign it. With a vendor certificate of your own:
  npm run push-cert -- sign --vendor-cert mdm.cer`
    },
  },
  sign: {
    help: 'signs the request with the vendor certificate',
    flags: ['vendor-cert', 'csr', 'wwdr', 'root'],
    run: async (values) => {
      const file = await signRequest({
        folder: folderOf(values),
        vendorCertificateFile: required(values, 'vendor-cert'),
        requestFile: text(values, 'csr'),
        wwdrFile: text(values, 'wwdr'),
        rootFile: text(values, 'root'),
        fetch,
        now: Date.now(),
      })
      return `${file} is the signed request.
Next: upload it at ${PORTAL}. For a first certificate choose "Create a Certificate", every year after
"Renew" beside that same one: another one has another topic. Note the Apple Account. Then:
  npm run push-cert -- install --cert MDM_….pem                  for npm start
  npm run push-cert -- install --cert MDM_….pem --production     for the deployed Worker`
    },
  },
  install: {
    help: 'checks the certificate from Apple, and has pushes leave with it',
    flags: ['cert', 'key', 'force', 'production', 'api-key'],
    run: install,
  },
  show: {
    help: 'shows the certificate in use and when it ends',
    flags: ['production'],
    run: (values) => {
      const certificate = values.production === true ? deployed() : installed(values)
      const until = new Date(certificate.notAfter).toISOString().slice(0, 10)
      const warning = expiryWarning(certificate.notAfter, Date.now())
      return [
        `Topic        ${certificate.uid}`,
        `Subject      ${certificate.subjectText}`,
        `Ends         ${until}, in ${daysUntil(certificate.notAfter, Date.now())} days`,
        `SHA-256      ${certificate.fingerprint}`,
        ...(warning === undefined ? [] : [warning]),
      ].join('\n')
    },
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
    return helpText()
  }
  if (!command) {
    throw new CliError(`${name} is none of ${Object.keys(COMMANDS).join(', ')}`)
  }
  return command.run(parse(command, args))
}

function parse(command: Command, args: readonly string[]): Values {
  const names: readonly FlagName[] = ['state', ...command.flags]
  const options = Object.fromEntries(names.map((flag) => [flag, { type: FLAGS[flag].type }]))
  try {
    const { values } = parseArgs({ args: [...args], options, strict: true })
    for (const [flag, value] of Object.entries(values)) {
      checkText(flag, value)
    }
    return values
  } catch (error) {
    const [sentence = ''] = messageOf(error).split(/\. |\n/)
    throw new CliError(`${sentence.replace(/\.$/, '')} (--help lists the options)`)
  }
}

function helpText(): string {
  const commands = Object.entries(COMMANDS).flatMap(([name, { help, flags }]) => [
    `  ${name.padEnd(12)} ${help}`,
    `  ${''.padEnd(12)} ${flags.map((flag) => `--${flag}`).join(' ')}`,
  ])
  const flags = Object.entries(FLAGS).map(
    ([name, { argument, help }]) => `  ${`--${name} ${argument}`.padEnd(24)} ${help}`,
  )
  return ['Usage: npm run push-cert -- COMMAND [options]', '', ...commands, '', ...flags].join('\n')
}

function request(values: Values, role: Role): string {
  return writeRequest(folderOf(values), role, {
    email: required(values, 'email'),
    country: text(values, 'country') ?? 'US',
    commonName: text(values, 'cn') ?? `EdgeMDM ${role}`,
  })
}

async function install(values: Values): Promise<string> {
  const stateDir = makeStateDirectory(text(values, 'state') ?? '.edgemdm')
  const folder = pushFolder(stateDir)
  const now = Date.now()
  const push = pushIdentity(
    {
      certificate: pem('CERTIFICATE', readCertificateFile(required(values, 'cert')).der),
      key: readBytes(text(values, 'key') ?? join(folder, 'push.key')).toString('latin1'),
    },
    now,
  )
  const force = values.force === true
  const until = new Date(push.notAfter).toISOString().slice(0, 10)
  const facts = `Topic ${push.topic}, valid until ${until}: renew it before then with the same Apple Account.`
  if (values.production === true) {
    const wrangler = runWrangler
    const before = await installInProduction({ projectDir: PROJECT, folder, push, force, wrangler })
    const old =
      before === undefined
        ? ''
        : `\nWhen pushes arrive: npx wrangler mtls-certificate delete --id ${before}`
    return (
      `The Worker is deployed with this push certificate. ${facts}\n` +
      `Keep wrangler.toml: it names the certificate.${old}`
    )
  }
  const apiKey = text(values, 'api-key')
  const server = await installLocally({
    stateDir,
    push,
    force,
    apiKey,
    env: process.env,
    fetch,
    now,
  })
  return server === 'running'
    ? `The running server pushes with this certificate from now on. ${facts}`
    : `npm start will push with this certificate. ${facts}`
}

/** The pair that npm start would push with. */
function installed(values: Values): Certificate {
  const state = openState(makeStateDirectory(text(values, 'state') ?? '.edgemdm'), Date.now())
  const pair = readInstalledPush(state.directory, sealKeysOf(state, process.env))
  return checked((pair ?? state.simulatedPush).certificate)
}

function deployed(): Certificate {
  const { certificate } = readPushCertificateIn(
    readFileSync(join(PROJECT, 'wrangler.toml'), 'utf8'),
  )
  if (certificate === undefined) {
    throw new CliError('wrangler.toml has no PUSH_CERTIFICATE: install one with --production')
  }
  return checked(certificate)
}

function checked(certificate: string): Certificate {
  const read = readPushCertificate(certificate)
  if (typeof read === 'string') {
    throw new CliError(read)
  }
  return read
}

function folderOf(values: Values): string {
  return pushFolder(makeStateDirectory(text(values, 'state') ?? '.edgemdm'))
}

function text(values: Values, name: FlagName): string | undefined {
  const value = values[name]
  return typeof value === 'string' ? value : undefined
}

function required(values: Values, name: FlagName): string {
  const value = text(values, name)
  if (value === undefined) {
    throw new CliError(`--${name} ${FLAGS[name].argument} is needed: ${FLAGS[name].help}`)
  }
  return value
}

function runWrangler(args: readonly string[]): Promise<string> {
  console.log(`> wrangler ${args.join(' ')}`)
  const child = spawn(join(PROJECT, 'node_modules/.bin/wrangler'), args, {
    cwd: PROJECT,
    stdio: ['inherit', 'pipe', 'inherit'],
  })
  let printed = ''
  child.stdout.on('data', (chunk: Buffer) => {
    printed += chunk.toString()
    process.stdout.write(chunk)
  })
  return new Promise((done, failed) => {
    child.once('error', failed)
    child.once('close', (code) => {
      if (code === 0) {
        done(printed)
      } else {
        failed(
          new CliError(`wrangler ${args[0]} ended with ${code}: mend that, and run this again`),
        )
      }
    })
  })
}
