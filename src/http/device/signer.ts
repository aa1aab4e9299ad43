import type { Context } from 'hono'
import { readCertificateHeader } from '../../pki/certificate-header.ts'
import { decodeSignatureHeader, type SignatureCheck, verifyDetached } from '../../pki/cms.ts'
import type { AppEnv } from '../app-env.ts'

/**
 * Who sent a message: the signer of `Mdm-Signature`, or the certificate in the header that `CLIENT_CERT_HEADER` names.
 * Without that setting such headers are a stranger's words and never looked at. A proxy that was shown no certificate
 * leaves its header empty or out, and then the signature counts.
 */
export function signerOf(c: Context<AppEnv>, body: Uint8Array): SignatureCheck {
  const { clientCertHeader } = c.var.config
  const certificate = clientCertHeader === '' ? '' : (c.req.header(clientCertHeader) ?? '')
  if (certificate !== '') {
    return labelled(clientCertHeader, readCertificateHeader(certificate))
  }
  const signature = decodeSignatureHeader(c.req.header('mdm-signature') ?? '')
  return signature === undefined
    ? {
        ok: false,
        reason: 'Mdm-Signature is missing or no base64: SignMessage must be on in the profile',
      }
    : labelled('Mdm-Signature', verifyDetached(signature, body))
}

function labelled(header: string, check: SignatureCheck): SignatureCheck {
  return check.ok ? check : { ok: false, reason: `${header}: ${check.reason}` }
}
