/** The push certificate of the other server: a token is pushed with its topic, or not at all. */
import { mkdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { readPushCertificate } from '../../pki/x509/push-certificate.ts'
import { ApiError } from '../api-client.ts'
import { shellPath } from '../dashes.ts'
import { CliError, messageOf } from '../error.ts'
import type { PemPair } from '../state.ts'
import { writeWhole } from '../write-whole.ts'
import type { Call } from './client.ts'

/** Writes the pair for its owner alone. @returns how to install it */
export function writePushPair(directory: string, pair: PemPair | undefined): string[] {
  if (!pair) {
    throw new CliError(`--push-cert-dir ${directory}: the copy has no push certificate`)
  }
  const [certificate, key] = ['push.pem', 'push.key'].map((name) => join(resolve(directory), name))
  if (certificate === undefined || key === undefined) {
    return []
  }
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 })
    writeWhole(certificate, pair.certificate)
    writeWhole(key, pair.key)
  } catch (error) {
    throw new CliError(`--push-cert-dir ${directory}: ${messageOf(error)}`)
  }
  const install = `npm run push-cert -- install --cert ${shellPath(certificate)} --key ${shellPath(key)}`
  return [
    '',
    'The push certificate and its key are written. In production this binds them:',
    `  ${install} --production`,
  ]
}

/** The topic that the server pushes with; empty if it has no push certificate. */
export async function topicAt(call: Call): Promise<string> {
  try {
    const { topic }: { topic: string } = JSON.parse(await call('GET', '/api/push-certificate'))
    return topic
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) {
      return ''
    }
    throw error
  }
}

/**
 * Installs the pair where the server takes it, under `npm start`. A certificate of the same topic stays: it
 * may be a newer one.
 *
 * @returns a sentence
 */
export async function installPushPair(call: Call, pair: PemPair): Promise<string> {
  const read = readPushCertificate(pair.certificate)
  if (typeof read === 'string') {
    return `The push certificate of the copy is not installed: ${read}.`
  }
  if ((await topicAt(call)) === read.uid) {
    return `The server pushes with the topic ${read.uid} already.`
  }
  const [cert, key] = [pair.certificate, pair.key].map((text) =>
    Buffer.from(text).toString('base64'),
  )
  try {
    await call('PUT', '/v1/config/certificate', { cert, key })
    return `The server pushes with the certificate of the copy from now on: ${read.uid}.`
  } catch (error) {
    if (error instanceof ApiError && error.status !== undefined) {
      return (
        `The push certificate of the copy is not installed: ${error.message}. ` +
        '--push-cert-dir DIR writes it.'
      )
    }
    throw error
  }
}
