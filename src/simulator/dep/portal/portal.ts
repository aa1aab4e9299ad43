/**
 * What a person does on the web site of Apple Business Manager, for curl: `/portal/…` beside the paths of the
 * service. It is for this machine only, so it asks for no password.
 */
import { pem } from '../../../pki/x509/issue.ts'
import { readPem } from '../../../pki/x509/certificate.ts'
import { createIdentity, type Issuer, newKey } from '../../device/identity.ts'
import { addAbmDevice, type NewAbmDevice, recordOf, removeAbmDevice } from '../devices.ts'
import { activateDevice, type ActivationProfile } from '../profiles.ts'
import type { DepService } from '../service.ts'
import { type AbmServer, newAccessToken } from '../state.ts'
import { type TokenFileForm, tokenJson, writeTokenFile } from './token-file.ts'

const YEAR = 365 * 86_400_000

/** What a device in Setup Assistant gets from Apple: its profile, and a certificate that proves it. */
export interface DepActivation {
  readonly profile: ActivationProfile
  /** PEM. */
  readonly certificate: string
  readonly privateKey: string
}

export interface PortalTools {
  /** Signs the certificates of devices. */
  readonly deviceCa: () => Issuer
}

/** The token file of a server, with a new token. @throws Error before a certificate was uploaded */
export function downloadToken(
  service: DepService,
  server: AbmServer,
  form: TokenFileForm = {},
): string {
  const [certificate] = readPem(server.certificate)
  if (!certificate) {
    throw new Error('upload the public certificate of the MDM server first')
  }
  const token = newAccessToken(server, service.random, service.now() + YEAR)
  return writeTokenFile(tokenJson(server, token), certificate, form)
}

/** Undefined for a device without a profile: it is set up without management. */
export function activateByPortal(
  service: DepService,
  tools: PortalTools,
  serial: string,
): DepActivation | undefined {
  const profile = activateDevice(service, serial)
  if (!profile) {
    return undefined
  }
  const { certificate, privateKey } = createIdentity({
    ca: tools.deviceCa(),
    commonName: serial,
    key: (deviceKey ??= newKey('rsa')),
    now: new Date(service.now()),
  })
  return {
    profile,
    certificate: pem('CERTIFICATE', certificate),
    privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  }
}

/** Making a key takes longer than the rest of an enrolment, so all devices share one. */
let deviceKey: ReturnType<typeof newKey> | undefined

type Handle = (visit: {
  readonly service: DepService
  readonly tools: PortalTools
  readonly server: AbmServer
  readonly name: string
  readonly body: string
}) => Response

const ROUTES: readonly (readonly [method: string, path: RegExp, handle: Handle])[] = [
  ['GET', /^\/portal$/, ({ service }) => Response.json(overview(service))],
  ['PUT', /^\/portal\/certificate$/, takeCertificate],
  ['GET', /^\/portal\/token$/, giveToken],
  ['GET', /^\/portal\/devices$/, ({ service }) => Response.json(overview(service).devices)],
  ['POST', /^\/portal\/devices$/, takeDevices],
  ['DELETE', /^\/portal\/devices\/([^/]+)$/, takeAway],
  ['POST', /^\/portal\/devices\/([^/]+)\/activate$/, activate],
]

/** Answers a request to `/portal/…`. `?server=` names a server entry; without it the first one. */
export function servePortal(
  service: DepService,
  tools: PortalTools,
  request: { readonly method: string; readonly url: string; readonly body: string },
): Response {
  const { pathname, searchParams } = new URL(request.url)
  const servers = Object.values(service.state.servers)
  const wanted = searchParams.get('server')
  const server = servers.find(({ uuid, name }) => (wanted ?? uuid) === uuid || wanted === name)
  const route = ROUTES.find(([method, path]) => method === request.method && path.test(pathname))
  if (!route || !server) {
    return said(404, server ? 'no such page of the portal' : 'no such server')
  }
  const [, path, handle] = route
  const name = decodeURIComponent(path.exec(pathname)?.[1] ?? '')
  try {
    return handle({ service, tools, server, name, body: request.body })
  } catch (error) {
    return said(400, error instanceof Error ? error.message : String(error))
  }
}

/** PEM, or an answer of an MDM server's API with the PEM in `certificate`. */
function takeCertificate({ server, body }: Parameters<Handle>[0]): Response {
  const { certificate } = body.startsWith('{') ? JSON.parse(body) : { certificate: body }
  if (typeof certificate !== 'string' || readPem(certificate).length === 0) {
    return said(400, 'not a certificate in PEM')
  }
  server.certificate = certificate
  return said(200, `the certificate of “${server.name}” is in place: download the token now`)
}

function giveToken({ service, server }: Parameters<Handle>[0]): Response {
  return new Response(downloadToken(service, server), {
    headers: {
      'content-type': 'application/pkcs7-mime',
      'content-disposition': 'attachment; filename="token.p7m"',
    },
  })
}

function takeDevices({ service, server, body }: Parameters<Handle>[0]): Response {
  const sent: unknown = JSON.parse(body)
  const list: readonly unknown[] = Array.isArray(sent) ? sent : [sent]
  if (!list.every(isNewDevice)) {
    return said(400, 'send {"serial_number": "…", "model": "…"}, or a list of such devices')
  }
  list.forEach((facts) => addAbmDevice(service, server, facts))
  return said(200, `${list.length} added to “${server.name}”`)
}

function takeAway({ service, name }: Parameters<Handle>[0]): Response {
  removeAbmDevice(service, name)
  return said(200, `${name} is assigned to no server any more`)
}

function activate({ service, tools, name }: Parameters<Handle>[0]): Response {
  const activation = activateByPortal(service, tools, name)
  return activation
    ? Response.json(activation)
    : said(404, `no profile is assigned to ${name}: it would be set up without management`)
}

function isNewDevice(value: unknown): value is NewAbmDevice {
  return (
    typeof value === 'object' &&
    value !== null &&
    'serial_number' in value &&
    /^[A-Z0-9]{4,32}$/.test(String(value.serial_number)) &&
    (!('model' in value) || typeof value.model === 'string')
  )
}

function overview({ state, blame }: DepService) {
  return {
    servers: Object.values(state.servers).map(({ uuid, name }) => ({ uuid, name })),
    devices: Object.values(state.devices).map((device) => ({
      ...recordOf(device),
      server: state.servers[device.server]?.name ?? null,
      profile_name: state.profiles[device.profile.uuid]?.json['profile_name'] ?? null,
    })),
    blame,
  }
}

function said(status: number, text: string): Response {
  return new Response(`${text}\n`, { status, headers: { 'content-type': 'text/plain' } })
}
