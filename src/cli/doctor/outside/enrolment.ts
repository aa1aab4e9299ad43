import { ApiError, callApi } from '../../api-client.ts'
import { signedContent, verifySigned } from '../../../pki/cms/cms.ts'
import { readSignedData } from '../../../pki/cms/signed-data.ts'
import { DerError } from '../../../pki/asn1/der.ts'
import { readCertificate } from '../../../pki/x509/certificate.ts'
import { asDict, requiredDict } from '../../../plist/dict.ts'
import { readPlist } from '../../../plist/read.ts'
import {
  type EnrollmentProfile,
  readEnrollmentProfile,
} from '../../../simulator/device/enrolment.ts'
import { messageOf } from '../../error.ts'
import { doctorAccess } from '../ask.ts'
import type { DoctorContext, DoctorVerdict } from '../check.ts'
import { foreignIn } from './front.ts'

const TYPE = 'application/x-apple-aspen-config'
const MIN_KEY_BITS = 2048

interface Links {
  readonly mode: 'open' | 'token' | 'known'
  readonly link: string
  readonly profile_url: string
  readonly ota_url: string
}

/** Check 10: new devices get a profile that leads here, with the topic of the push certificate. */
export async function checkEnrolment(context: DoctorContext): Promise<DoctorVerdict> {
  const access = doctorAccess(context)
  const links: Links = JSON.parse(await callApi(access, '/api/enrollment', { method: 'GET' }))
  const stray = [links.link, links.profile_url, links.ota_url].find((url) => isStray(context, url))
  if (stray !== undefined) {
    const fix = `set PUBLIC_URL=${context.url} (docs/settings.md), or name the other address with --server`
    const seen = `the links for enrolment lead to ${new URL(stray).origin}`
    return { level: 'fail', seen, want: context.url, fix }
  }
  if (links.mode === 'known') {
    return { level: 'ok', seen: 'the links lead here; the mode `known` has no plain download' }
  }
  const { pathname, search } = new URL(links.profile_url)
  const response = await context.fetch(context.url + pathname + search)
  const body = new Uint8Array(await response.arrayBuffer())
  const { status, headers } = response
  if (status === 503 && headers.has('edgemdm')) {
    return {
      level: 'warn',
      seen: 'no device can enrol: there is no push certificate',
      fix: 'install one (docs/push-certificate.md)',
    }
  }
  const text = new TextDecoder().decode(body.subarray(0, 2000))
  const foreign = foreignIn({ status, headers, text })
  if (foreign || status !== 200 || headers.get('content-type') !== TYPE) {
    const seen =
      foreign?.seen ?? `${status} ${headers.get('content-type') ?? ''}: ${text.slice(0, 200)}`
    const fix = foreign?.fix ?? 'look at enroll:refused in the log of the server'
    return { level: 'fail', seen: `GET ${pathname}: ${seen}`, want: `200 ${TYPE}`, fix }
  }
  const signature = signatureOf(body, context.now())
  return 'fault' in signature
    ? {
        level: 'fail',
        seen: signature.fault,
        fix: 'set another certificate and key to sign profiles with (docs/enrolment.md)',
      }
    : checkProfile(context, body, signature.seen)
}

async function checkProfile(
  context: DoctorContext,
  body: Uint8Array,
  signature: string,
): Promise<DoctorVerdict> {
  let profile: EnrollmentProfile
  try {
    profile = readEnrollmentProfile(asDict(readPlist(signedContent(body) ?? body)))
  } catch (error) {
    return {
      level: 'fail',
      seen: `the enrolment profile cannot be read: ${messageOf(error)}`,
      fix: 'look at the stored profile, or remove it: npm run doctor then sees the server’s own',
    }
  }
  const { serverUrl, checkInUrl = serverUrl, scep, topic } = profile
  const places = { ServerURL: serverUrl, CheckInURL: checkInUrl, 'the SCEP URL': scep.url }
  const stray = Object.entries(places).find(([, url]) => isStray(context, url))
  if (stray) {
    const [name, url] = stray
    const fix = `set PUBLIC_URL=${context.url}, and remove a stored enrolment profile (docs/enrolment.md)`
    return {
      level: 'fail',
      seen: `${name} of the enrolment profile is ${url}`,
      want: context.url,
      fix,
    }
  }
  const bits = keyBits(profile)
  if (bits < MIN_KEY_BITS) {
    return {
      level: 'fail',
      seen: `the enrolment profile asks for keys of ${bits} bits`,
      want: `${MIN_KEY_BITS}`,
      fix: 'raise Keysize in the stored enrolment profile, or remove that profile',
    }
  }
  const wanted = await pushTopic(context)
  if (wanted !== undefined && topic !== wanted) {
    return {
      level: 'fail',
      seen: `the enrolment profile has the push topic ${topic}`,
      want: wanted,
      fix: 'remove the stored enrolment profile, or install the certificate of its topic',
    }
  }
  return { level: 'ok', seen: `the topic is ${topic}, the profile is ${signature}` }
}

function isStray({ url }: DoctorContext, text: string): boolean {
  return URL.parse(text)?.origin !== url
}

/** Without the value, devices make keys of 1024 bits (Apple: "SCEP", Keysize). */
function keyBits({ mdm, profile }: EnrollmentProfile): number {
  const payloads = Array.isArray(profile['PayloadContent']) ? profile['PayloadContent'] : []
  const scep = payloads
    .map((payload) => asDict(payload))
    .find((payload) => payload['PayloadUUID'] === mdm['IdentityCertificateUUID'])
  return Number((scep && requiredDict(scep, 'PayloadContent')['Keysize']) ?? 1024)
}

function signatureOf(
  body: Uint8Array,
  now: number,
): { readonly seen: string } | { readonly fault: string } {
  const content = signedContent(body)
  if (!content) {
    return { seen: 'not signed' }
  }
  try {
    const check = verifySigned(readSignedData(body), content)
    if (!check.ok) {
      return { fault: `the signature of the enrolment profile is wrong: ${check.reason}` }
    }
    const { notAfter, subjectText } = readCertificate(check.certificate)
    return notAfter > now
      ? { seen: `signed by ${subjectText}` }
      : { fault: `the certificate ${subjectText}, which signs the enrolment profile, has ended` }
  } catch (error) {
    if (error instanceof DerError) {
      return { fault: `the signature of the enrolment profile cannot be read: ${error.message}` }
    }
    throw error
  }
}

/** Of the push certificate in use; undefined without one. */
async function pushTopic(context: DoctorContext): Promise<string | undefined> {
  try {
    const text = await callApi(doctorAccess(context), '/api/push-certificate', { method: 'GET' })
    const { topic }: { topic: string } = JSON.parse(text)
    return topic
  } catch (error) {
    if (error instanceof ApiError && error.code === 'push_certificate_not_found') {
      return undefined
    }
    throw error
  }
}
