import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test'
import { describe, expect, it } from 'vitest'
import worker from '../../src/index.ts'
import { pem } from '../../src/pki/issue.ts'
import type { Identity } from '../../src/simulator/identity.ts'
import { env, newDevice, newIdentity } from './server.ts'

const rfc9440 = ({ certificate }: Identity) => `:${Buffer.from(certificate).toString('base64')}:`
const escapedPem = ({ certificate }: Identity) =>
  encodeURIComponent(pem('CERTIFICATE', certificate))

/** A device behind a proxy that passes on the certificate of its TLS connection. */
function proxied(header: (() => string) | undefined, name: string, signs = false) {
  const identity = newIdentity()
  const device = newDevice({
    identity,
    fetch: async (url, init) => {
      const request = new Request(url, init as RequestInit)
      if (!signs) {
        request.headers.delete('mdm-signature')
      }
      if (header) {
        request.headers.set('client-cert', header())
      }
      const context = createExecutionContext()
      const settings = { ...env, CLIENT_CERT_HEADER: name }
      const response = await worker.fetch(request as never, settings as never, context)
      await waitOnExecutionContext(context)
      return response
    },
  })
  return { device, identity }
}

describe('a client certificate in a header', () => {
  it.each([
    ['RFC 9440', rfc9440],
    ['URL-escaped PEM', escapedPem],
  ])('as %s is the identity of a device that signs nothing', async (_, write) => {
    const { device, identity } = proxied(() => write(identity), 'Client-Cert')
    expect((await device.enroll()).status).toBe(200)
    expect((await device.connect({ Status: 'Idle' })).status).toBe(200)
  })

  it('is the same identity as that of Mdm-Signature', async () => {
    let header = ''
    const { device, identity } = proxied(() => header, 'Client-Cert', true)
    expect((await device.enroll()).status).toBe(200)
    header = rfc9440(identity)
    expect((await device.connect({ Status: 'Idle' })).status).toBe(200)
    header = rfc9440(newIdentity())
    expect((await device.connect({ Status: 'Idle' })).status).toBe(400)
  })

  it('is a stranger’s word as long as no setting names the header', async () => {
    const { device, identity } = proxied(() => rfc9440(identity), '')
    expect((await device.authenticate()).status).toBe(400)
    const other = proxied(() => rfc9440(newIdentity()), 'X-Other-Header', true)
    expect((await other.device.enroll()).status).toBe(200)
  })

  it('that cannot be read is refused, even beside a good signature', async () => {
    for (const value of ['nonsense', `${rfc9440(newIdentity())}, ${rfc9440(newIdentity())}`]) {
      const { device } = proxied(() => value, 'Client-Cert', true)
      expect((await device.authenticate()).status).toBe(400)
    }
  })
})
