import type { Context } from 'hono'
import { readCertificateHeader } from '../../pki/cms/certificate-header.ts'
import {
  decodeSignatureHeader,
  signerNamedIn,
  type SignatureCheck,
  verifyDetached,
} from '../../pki/cms/cms.ts'
import type { AppEnv } from '../app-env.ts'

/**
 * The sender of a message: the signer of `Mdm-Signature`, or the certificate in the header that
 * `CLIENT_CERT_HEADER` names. Without that setting such headers are ignored, because any sender can set them.
 * A proxy that received no certificate leaves its header empty or out; then the signature counts.
 */
export function signerOf(c: Context<AppEnv>, body: Uint8Array): SignatureCheck {
  return shown(c, (signature) => verifyDetached(signature, body))
}

/** The claimed sender of a message, by its headers alone, before the body is checked. */
export function namedSigner(c: Context<AppEnv>): SignatureCheck {
  return shown(c, signerNamedIn)
}

function shown(
  c: Context<AppEnv>,
  check: (signature: Uint8Array) => SignatureCheck,
): SignatureCheck {
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
    : labelled('Mdm-Signature', check(signature))
}

function labelled(header: string, check: SignatureCheck): SignatureCheck {
  return check.ok ? check : { ok: false, reason: `${header}: ${check.reason}` }
}
