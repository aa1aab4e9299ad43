import { Buffer } from 'node:buffer'
import type { Context } from 'hono'
import { clock } from '../../clock.ts'
import { renewByProfile } from '../../identity/old-challenge.ts'
import { loadRenewalState } from '../../jobs/renewal/control.ts'
import { authorityCertificates, loadAuthorities } from '../../directory/authorities.ts'
import { noteStep } from '../../figures/steps.ts'
import { inBackground } from '../../guard.ts'
import { warn } from '../../log.ts'
import { CAPABILITIES, certRep, certRepFailure } from '../../scep/reply.ts'
import { openRequest } from '../../scep/request.ts'
import { type AppEnv, newApp } from '../app-env.ts'
import { readBody } from '../body.ts'
import { issueFor } from '../../identity/issue-certificate.ts'
import { SCEP_PATH } from '../paths.ts'

/** The longest request has about 6 KB, with a 4096-bit key. */
const MAX_MESSAGE_BYTES = 65_536
const PKI_MESSAGE = 'application/x-pki-message'

/**
 * SCEP (RFC 8894) as Apple's clients implement it (docs/certificates.md). The answer to a refused request is
 * 200 with a CertRep of the failure, and not 401 or 403.
 */
export const scepFace = newApp()

type ScepContext = Context<AppEnv>

scepFace.on(['GET', 'POST'], SCEP_PATH, async (c) => {
  switch (rawParameter(c.req.url, 'operation')) {
    case 'GetCACaps':
      return c.text(CAPABILITIES)
    case 'GetCACert':
      return caCertificate(c)
    case 'PKIOperation':
      return pkiOperation(c)
    default:
      return refuse(c, 400, 'operation not implemented')
  }
})
scepFace.all(SCEP_PATH, (c) => c.body(null, 405, { allow: 'GET, POST' }))

/** One certificate, even if several CAs are accepted: of several, macOS may encrypt to the wrong one. */
async function caCertificate(c: ScepContext): Promise<Response> {
  const [issuing] = await authorityCertificates(c.env.DB)
  return issuing
    ? answer(issuing.der, 'application/x-x509-ca-cert')
    : refuse(c, 503, 'there is no CA: make one with `npm run ca -- create`')
}

async function pkiOperation(c: ScepContext): Promise<Response> {
  const message =
    c.req.method === 'POST'
      ? await readBody(c.req.raw, MAX_MESSAGE_BYTES)
      : decodeMessage(rawParameter(c.req.url, 'message'))
  if (message === undefined) {
    return refuse(c, c.req.method === 'POST' ? 413 : 400, 'the message is too long or no base64')
  }
  const authorities = await loadAuthorities(c.env.DB, c.var.config.sealer)
  const [issuing] = authorities
  if (issuing === undefined) {
    return refuse(c, 503, 'there is no CA: make one with `npm run ca -- create`')
  }
  const opened = openRequest(message, authorities)
  switch (opened.kind) {
    case 'malformed':
      return refuse(c, 400, opened.reason)
    case 'refused':
      warnRefused(opened.reason)
      return answer(certRepFailure(opened.replyTo, opened.failInfo), PKI_MESSAGE)
    case 'request': {
      const { request } = opened
      const issued = await issueFor(c.env, c.var.config, request, issuing, clock.now())
      if (issued.old) {
        const loadRules = () => loadRenewalState(c.env)
        inBackground(c.executionCtx, renewByProfile(c.env, c.var.config, issued.old, loadRules))
      }
      if (issued.kind === 'refused' && issued.isUnknown && c.var.mayLackKeys) {
        return refuse(c, 503, 'Control has not said yet whether it holds the key of the challenge')
      }
      if (issued.kind === 'refused') {
        warnRefused(issued.reason, request.csr.subjectText)
        return answer(certRepFailure(request, 'badRequest'), PKI_MESSAGE)
      }
      const { der, authority } = issued.certificate
      const issuer = authorities.find(({ certificate }) => certificate.keyId === authority)
      return answer(certRep(request, der, issuer?.certificate.der), PKI_MESSAGE)
    }
  }
}

/** A parameter with its `+`: macOS escapes only the `=` of base64, and URL parsers read `+` as a space. */
function rawParameter(url: string, name: string): string {
  const query = url.slice(url.indexOf('?') + 1)
  const pair = query.split('&').find((part) => part.startsWith(`${name}=`)) ?? ''
  return unescaped(pair.slice(name.length + 1))
}

function unescaped(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return ''
  }
}

/** Some clients escape the message twice; base64 has no `%`. */
function decodeMessage(base64: string): Uint8Array | undefined {
  const text = unescaped(base64).replaceAll(/\s+/g, '')
  return /^[A-Za-z0-9+/]+={0,2}$/.test(text) && text.length <= (MAX_MESSAGE_BYTES / 3) * 4
    ? new Uint8Array(Buffer.from(text, 'base64'))
    : undefined
}

function answer(bytes: Uint8Array, type: string): Response {
  return new Response(bytes, { headers: { 'content-type': type, 'cache-control': 'no-store' } })
}

function warnRefused(reason: string, subject?: string): void {
  noteStep('refused', reason)
  warn('scep:refused', { reason, subject })
}

/** Clients show no error bodies; the log has the reason. */
function refuse(c: ScepContext, status: 400 | 413 | 503, reason: string): Response {
  noteStep('refused', reason)
  warn('scep:refused', { status, reason })
  return c.body(null, status)
}
