import { ApiError, callApi, type InstalledCA } from '../../api-client.ts'
import { DerError } from '../../../pki/asn1/der.ts'
import { type Certificate, readCertificate, readPem } from '../../../pki/x509/certificate.ts'
import { enrolByScep, ScepRefusedError } from '../../../simulator/device/scep.ts'
import { doctorAccess } from '../ask.ts'
import type { DoctorContext, DoctorVerdict } from '../check.ts'
import { foreignIn } from './front.ts'

const CAPABILITIES = ['SHA-256', 'AES', 'POSTPKIOperation']
const SUBJECT = [['CN', 'EdgeMDM doctor']] as const

/** Check 11: a device gets its identity. The certificate of the check is removed again. */
export async function checkScep(context: DoctorContext): Promise<DoctorVerdict> {
  const missing = await missingCapabilities(context)
  if (missing) {
    return missing
  }
  const found = await issuingCA(context)
  if ('level' in found) {
    return found
  }
  const { string: challenge }: { string: string } = JSON.parse(
    await callApi(doctorAccess(context), '/v1/challenge', { method: 'POST' }),
  )
  try {
    const { certificate } = await enrolByScep({
      fetch: (url, init) => context.fetch(url, init),
      url: `${context.url}/scep`,
      subject: SUBJECT,
      challenge,
    })
    await removeCertificate(context, readCertificate(certificate).fingerprint)
  } catch (error) {
    if (error instanceof ScepRefusedError) {
      const fix = 'look at scep:refused in the log of the server'
      return {
        level: 'fail',
        seen: `SCEP refused a one-time challenge (failInfo ${error.failInfo})`,
        fix,
      }
    }
    throw error
  }
  return { level: 'ok', seen: `${found.subjectText} issued a certificate, which is removed again` }
}

async function missingCapabilities(context: DoctorContext): Promise<DoctorVerdict | undefined> {
  const { answer, bytes } = await askScep(context, 'GetCACaps')
  const foreign = foreignIn(answer)
  if (foreign) {
    return { level: 'fail', seen: `GetCACaps: ${foreign.seen}`, fix: foreign.fix }
  }
  const known = new TextDecoder().decode(bytes).split(/\s+/)
  const missing = CAPABILITIES.filter((name) => !known.includes(name))
  return missing.length === 0
    ? undefined
    : {
        level: 'fail',
        seen: `GetCACaps lacks ${missing.join(', ')}`,
        want: CAPABILITIES.join(', '),
        fix: 'a proxy changes the answer: let /scep pass as it is',
      }
}

/** The certificate of `GetCACert`, if it is the CA that issues. */
async function issuingCA(context: DoctorContext): Promise<Certificate | DoctorVerdict> {
  const { answer, bytes } = await askScep(context, 'GetCACert')
  if (answer.status === 503 && !foreignIn(answer)) {
    return {
      level: 'fail',
      seen: 'the server has no certificate authority (CA)',
      fix: remedyOf(context),
    }
  }
  let sent: Certificate
  try {
    sent = readCertificate(bytes)
  } catch (error) {
    if (error instanceof DerError) {
      const seen = `GetCACert answered ${answer.status} and no certificate: ${error.message}`
      return { level: 'fail', seen, fix: 'a proxy changes the answer: let /scep pass as it is' }
    }
    throw error
  }
  if (sent.notAfter <= context.now()) {
    const ended = new Date(sent.notAfter).toISOString().slice(0, 10)
    const seen = `the CA ${sent.subjectText} ended on ${ended} and issues nothing`
    return { level: 'fail', seen, fix: `${remedyOf(context)}: the devices of the old one stay` }
  }
  const list: { items: (InstalledCA & { readonly certificate: string })[] } = JSON.parse(
    await callApi(doctorAccess(context), '/api/ca', { method: 'GET' }),
  )
  const [issuing] = readPem(list.items.find(({ issues }) => issues)?.certificate ?? '')
  return issuing && Buffer.from(issuing).equals(sent.der)
    ? sent
    : {
        level: 'fail',
        seen: `GetCACert shows ${sent.subjectText}, which is not the CA that issues`,
        fix: 'something in front keeps old answers: turn its cache off for /scep',
      }
}

const remedyOf = ({ url }: DoctorContext): string =>
  `make a CA with \`npm run ca -- create --server ${url}\``

async function askScep({ url, fetch: fetchIt }: DoctorContext, operation: string) {
  const response = await fetchIt(`${url}/scep?operation=${operation}`)
  const { status, headers } = response
  const bytes = new Uint8Array(await response.arrayBuffer())
  return { bytes, answer: { status, headers, text: new TextDecoder().decode(bytes) } }
}

/** @throws ApiError, also if the certificate is still there */
async function removeCertificate(context: DoctorContext, fingerprint: string): Promise<void> {
  const path = `/api/certificates/${fingerprint}`
  const access = doctorAccess(context)
  await callApi(access, path, { method: 'DELETE' })
  await callApi(access, path, { method: 'DELETE' }).then(
    () => {
      throw new ApiError(`the certificate of the check is still there: DELETE ${path}`)
    },
    (error: unknown) => {
      if (!(error instanceof ApiError && error.code === 'identity_not_found')) {
        throw error
      }
    },
  )
}
