/** RSA, because SCEP encrypts to it (RFC 8894 §3.1). */
const ALGORITHM = {
  name: 'RSASSA-PKCS1-v1_5',
  modulusLength: 2048,
  publicExponent: Uint8Array.of(1, 0, 1),
  hash: 'SHA-256',
}

/** A new key of a certificate authority: PKCS#8 as PEM (RFC 7468). */
export async function newAuthorityKey(subtle: SubtleCrypto): Promise<string> {
  const made = await subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])
  const der = 'privateKey' in made && (await subtle.exportKey('pkcs8', made.privateKey))
  if (!(der instanceof ArrayBuffer)) {
    throw new TypeError('WebCrypto has made no pair of keys')
  }
  const base64 = btoa(String.fromCharCode(...new Uint8Array(der)))
  const lines = base64.match(/.{1,64}/g) ?? []
  return ['-----BEGIN PRIVATE KEY-----', ...lines, '-----END PRIVATE KEY-----', ''].join('\n')
}
