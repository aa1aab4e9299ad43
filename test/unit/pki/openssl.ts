/** A second implementation: certificates and signatures made by the `openssl` command. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readPem } from '../../../src/pki/x509/certificate.ts'

export interface OpensslIdentity {
  readonly certificateFile: string
  readonly keyFile: string
  readonly certificate: Uint8Array
}

export interface Openssl {
  readonly run: (args: readonly string[], input?: Uint8Array) => Buffer
  readonly file: (name: string, content: string | Uint8Array) => string
  readonly identity: (
    name: string,
    key: readonly string[],
    extra?: readonly string[],
  ) => OpensslIdentity
  readonly cleanUp: () => void
}

export const RSA = ['-newkey', 'rsa:2048']
export const EC_256 = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256']
export const EC_384 = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-384']

/** Runs openssl in a directory of its own. */
export function openOpenssl(): Openssl {
  const directory = mkdtempSync(join(tmpdir(), 'edgemdm-pki-'))

  function run(args: readonly string[], input?: Uint8Array): Buffer {
    return execFileSync('openssl', args, { cwd: directory, input, stdio: ['pipe', 'pipe', 'pipe'] })
  }

  function file(name: string, content: string | Uint8Array): string {
    const path = join(directory, name)
    writeFileSync(path, content)
    return path
  }

  function identity(
    name: string,
    key: readonly string[],
    extra: readonly string[] = [],
  ): OpensslIdentity {
    const keyFile = join(directory, `${name}.key`)
    const certificateFile = join(directory, `${name}.pem`)
    run([
      'req',
      '-x509',
      ...key,
      '-nodes',
      '-keyout',
      keyFile,
      '-out',
      certificateFile,
      '-subj',
      `/CN=${name}`,
      ...extra,
    ])
    const [certificate = new Uint8Array()] = readPem(readFileSync(certificateFile, 'utf8'))
    return { certificateFile, keyFile, certificate }
  }

  return { run, file, identity, cleanUp: () => rmSync(directory, { recursive: true }) }
}

/** DER of a CMS that openssl signs over `body`; detached and binary unless `options` say otherwise. */
export function opensslSign(
  openssl: Openssl,
  signer: OpensslIdentity,
  body: Uint8Array,
  options: readonly string[],
): Uint8Array {
  const args = ['cms', '-sign', '-binary', '-outform', 'DER', '-signer', signer.certificateFile]
  return new Uint8Array(openssl.run([...args, '-inkey', signer.keyFile, ...options], body))
}
