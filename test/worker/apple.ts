import { generateKeyPairSync } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { issueCertificate, pem, randomSerial } from '../../src/pki/x509/issue.ts'
import { writePlist } from '../../src/plist/write.ts'
import { openOpenssl } from '../unit/pki/openssl.ts'

/**
 * A device as Apple makes them: its CA has a 1024-bit key and expired in 2014, and OpenSSL signs with SHA-1
 * on every level. Made in Node, because workerd issues no such certificates.
 */
export function appleDevice() {
  const openssl = openOpenssl()
  try {
    const ca = generateKeyPairSync('rsa', { modulusLength: 1024 })
    const caPem = pem(
      'CERTIFICATE',
      issueCertificate({
        subject: [['CN', 'Test iPhone Device CA']],
        publicKey: ca.publicKey,
        signingKey: ca.privateKey,
        serial: randomSerial(),
        notBefore: Date.UTC(2007, 3, 16),
        notAfter: Date.UTC(2014, 3, 16),
        ca: true,
        keyUsage: ['keyCertSign'],
      }),
    )
    const caFile = openssl.file('ca.pem', caPem)
    const caKey = ca.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
    const { keyFile } = openssl.identity('device', ['-newkey', 'rsa:2048'])
    const csr = openssl.run(['req', '-new', '-key', keyFile, '-subj', '/CN=device'])
    const issue = ['x509', '-req', '-sha1', '-days', '30', '-set_serial', '7']
    const certificate = openssl.run(
      [...issue, '-CA', caFile, '-CAkey', openssl.file('ca.key', caKey)],
      csr,
    )
    const signer = openssl.file('leaf.pem', certificate)
    const machineInfo = writePlist({
      UDID: 'ADE-UDID',
      SERIAL: 'ADE-SERIAL',
      PRODUCT: 'iPhone16,2',
      VERSION: '21A1',
      OS_VERSION: '17.0',
      LANGUAGE: 'en',
      MDM_CAN_REQUEST_SOFTWARE_UPDATE: true,
    })
    const signed = openssl.run(
      ['cms', '-sign', '-binary', '-nodetach', '-outform', 'DER', '-md', 'sha1'].concat([
        '-signer',
        signer,
        '-inkey',
        keyFile,
        '-certfile',
        caFile,
      ]),
      machineInfo,
    )
    return {
      APPLE_DEVICE_CA: caPem,
      APPLE_DEVICE: certificate.toString(),
      APPLE_DEVICE_KEY: readFileSync(keyFile, 'utf8'),
      MACHINE_INFO: signed.toString('base64'),
    }
  } finally {
    openssl.cleanUp()
  }
}
