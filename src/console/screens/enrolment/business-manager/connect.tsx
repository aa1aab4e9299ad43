import { useSignal } from '@preact/signals'
import { send } from '../../../api/call.ts'
import type { Fault } from '../../../api/fault.ts'
import { changed } from '../../../api/read.ts'
import { may } from '../../../api/session.ts'
import type { Schema } from '../../../api/types.ts'
import { Button, needs } from '../../../kit/button.tsx'
import { DropArea } from '../../../kit/field.tsx'
import { FaultNote } from '../../../kit/states.tsx'
import { heard, toast } from '../../../kit/toast.tsx'
import { go } from '../../../place/router.ts'
import { base64Of } from '../../../results/base64.ts'

/** What Apple's site is given. */
const CERTIFICATE = 'edgemdm.pem'

/**
 * The way to a token: a certificate for Apple, Apple's site, and the file from there.
 *
 * @param renewed the account whose token ends; without one it is a new account
 */
export function Connect({ renewed }: { readonly renewed?: Schema<'DepAccount'> }) {
  const isMade = useSignal(false)
  const why = needs('config', may('config'))
  const makeKey = async (): Promise<void> => {
    const answer = await send('post', '/api/dep/keys', {})
    if (heard(answer)) {
      save(answer.value.certificate)
      isMade.value = true
    }
  }
  return (
    <ol class="connect">
      {renewed === undefined && (
        <li>
          <h3>Make the certificate</h3>
          <p>The server makes a key pair. Its certificate is the file that Apple asks for.</p>
          <Button tone={isMade.value ? 'plain' : 'main'} why={why} onClick={makeKey}>
            Download {CERTIFICATE}
          </Button>
        </li>
      )}
      <li>
        <h3>At business.apple.com</h3>
        {renewed === undefined ? (
          <p>
            Open <Apple />, then your name, Preferences, and add a device management service. Upload{' '}
            <code>{CERTIFICATE}</code>, save, and choose Download Token.
          </p>
        ) : (
          <p>
            Open <Apple />, then your name, Preferences, and the service{' '}
            <strong>{renewed.server_name}</strong>. Choose Download Token. Apple ends the present
            token with the download.
          </p>
        )}
      </li>
      <li>
        <h3>Drop the token file here</h3>
        <TokenFile why={why} />
      </li>
    </ol>
  )
}

function Apple() {
  return (
    <a href="https://business.apple.com" target="_blank" rel="noreferrer">
      business.apple.com
    </a>
  )
}

function save(text: string): void {
  const address = URL.createObjectURL(new Blob([text]))
  Object.assign(document.createElement('a'), { href: address, download: CERTIFICATE }).click()
  URL.revokeObjectURL(address)
}

/** Takes the file of Apple, and imports it at once. */
function TokenFile({ why }: { readonly why: string | undefined }) {
  const fault = useSignal<Fault | undefined>(undefined)
  const isBusy = useSignal(false)
  const take = async (file: File | undefined): Promise<void> => {
    if (!file || why !== undefined || isBusy.value) {
      return
    }
    isBusy.value = true
    const answer = await send('post', '/api/dep/tokens', {
      body: { p7m_content: base64Of(new Uint8Array(await file.arrayBuffer())) },
    })
    isBusy.value = false
    fault.value = answer.ok ? undefined : answer.fault
    if (answer.ok) {
      const { id, server_name: name } = answer.value
      toast({ text: `The token of ${name ?? id} is in place` })
      changed('/api/dep/')
      go(`/console/business-manager/${encodeURIComponent(id)}`)
    }
  }
  return (
    <DropArea onFile={take}>
      <div class="dropzone">
        <input
          type="file"
          accept=".p7m"
          aria-label="Token file of Apple"
          disabled={why !== undefined}
          onChange={(event) => {
            void take(event.currentTarget.files?.[0])
          }}
        />
        <span class="dim" role="status">
          {isBusy.value ? 'Asking Apple…' : (why ?? 'a file ….p7m')}
        </span>
      </div>
      {fault.value && <FaultNote fault={fault.value} />}
    </DropArea>
  )
}
