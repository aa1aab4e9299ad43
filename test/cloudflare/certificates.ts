import { createPrivateKey, randomUUID, X509Certificate } from 'node:crypto'
import { activeVersion, now, type Account, type MtlsCertificate } from './account.ts'
import { Refused, found, textOf, type Routes } from './route.ts'

export const CERTIFICATE_ROUTES: Routes = [
  [
    'GET',
    '/mtls_certificates',
    ({ account, query }) =>
      account.certificates.filter(({ name }) => [null, name].includes(query.get('name'))),
  ],
  [
    'POST',
    '/mtls_certificates',
    ({ account, body }) => {
      const certificate = take(body)
      account.certificates.push(certificate)
      return certificate
    },
  ],
  ['GET', '/mtls_certificates/:id', ({ account, part }) => find(account, part.id)],
  [
    'GET',
    '/mtls_certificates/:id/associations',
    ({ account, part }) =>
      usersOf(account, find(account, part.id)).map((service) => ({ service, status: 'active' })),
  ],
  [
    'DELETE',
    '/mtls_certificates/:id',
    ({ account, part }) => {
      const certificate = find(account, part.id)
      const [user] = usersOf(account, certificate)
      if (user !== undefined) {
        throw new Refused(400, 1415, `The certificate is in use by the Worker '${user}'`)
      }
      account.certificates.splice(account.certificates.indexOf(certificate), 1)
      return { id: certificate.id }
    },
  ],
]

function find(account: Account, id: string | undefined): MtlsCertificate {
  const certificate = account.certificates.find((one) => one.id === id)
  return found(certificate, 1412, `The certificate ${id} could not be found`)
}

/** The key is compared and then forgotten: Cloudflare never gives it back. */
function take(body: unknown): MtlsCertificate {
  const pem = textOf(body, 'certificates')
  const certificate = new X509Certificate(pem)
  if (!certificate.checkPrivateKey(createPrivateKey(textOf(body, 'private_key')))) {
    throw new Refused(400, 1406, 'The private key does not match the certificate')
  }
  return {
    id: randomUUID(),
    name: textOf(body, 'name'),
    certificates: pem,
    issuer: certificate.issuer.replaceAll('\n', ','),
    serial_number: certificate.serialNumber,
    uploaded_on: now(),
    expires_on: certificate.validToDate.toISOString(),
    ca: false,
  }
}

function usersOf(account: Account, { id }: MtlsCertificate): string[] {
  return [...account.workers.values()]
    .filter((worker) =>
      activeVersion(worker)?.bindings.some(({ certificate_id }) => certificate_id === id),
    )
    .map(({ name }) => name)
}
