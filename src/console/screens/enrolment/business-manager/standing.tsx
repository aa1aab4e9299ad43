import { useSignal } from '@preact/signals'
import { send } from '../../../api/call.ts'
import { AskFirst } from '../../../kit/dialog.tsx'
import { changed } from '../../../api/read.ts'
import { may } from '../../../api/session.ts'
import type { Schema } from '../../../api/types.ts'
import { Badge } from '../../../kit/badge.tsx'
import { Button, needs } from '../../../kit/button.tsx'
import { Facts } from '../../../kit/facts.tsx'
import { Note } from '../../../kit/states.tsx'
import { Ends, Time } from '../../../kit/time.tsx'
import { heard, toast } from '../../../kit/toast.tsx'
import { withQuery } from '../../../place/router.ts'
import { counted } from '../../../time/words.ts'
import { ASSIGNS, CONFIRMING, FLAGS } from './text.ts'

type Account = Schema<'DepAccountDetail'>

/** How an account stands with Apple, and what it needs. */
export function Standing({ of: account }: { readonly of: Account }) {
  const { flag, devices, last_run: run, token_expires_at: end } = account
  return (
    <>
      {flag !== null && (
        <Note tone="bad">
          <p>
            <strong>{FLAGS[flag][0]}</strong> since <Time at={account.flag_since} />
          </p>
          <p>{FLAGS[flag][1]}</p>
        </Note>
      )}
      {account.not_before !== null && (
        <Note tone="warn">
          <p>
            Apple wants no call before <Time at={account.not_before} />: the server waits until
            then.
          </p>
        </Note>
      )}
      <Unconfirmed of={account} />
      <Facts
        of={[
          ['State', flag === null ? <Badge tone="good">Connected</Badge> : badFlag(flag)],
          ['Token', <Ends at={end} />],
          ['Organisation', account.organization ?? '—'],
          [
            'Last sync',
            account.syncing ? (
              <Badge tone="busy">Under way</Badge>
            ) : (
              <>
                <Time at={account.last_sync_at} />
                {typeof run?.error === 'string' && <Badge tone="bad">{run.error}</Badge>}
              </>
            ),
          ],
          ['Next sync', <Time at={account.next_sync_at} never="not planned" />],
          ['Devices', <Counts of={devices} />],
        ]}
      />
    </>
  )
}

function badFlag(flag: NonNullable<Account['flag']>) {
  return <Badge tone="bad">{FLAGS[flag][0]}</Badge>
}

function Counts({ of: { total, ...of } }: { readonly of: Account['devices'] }) {
  const parts = [
    `${of.pushed} fetched their profile`,
    `${of.assigned} assigned`,
    `${of.without_profile} without`,
  ]
  return (
    <>
      {counted(total, 'device')}
      {total > 0 && <span class="dim">: {parts.join(', ')}</span>}
      {of.waiting > of.failed && (
        <>
          {' '}
          <Badge tone="busy">{of.waiting - of.failed} waiting</Badge>
        </>
      )}
      {of.failed > 0 && (
        <>
          {' '}
          <Badge tone="bad">{of.failed} failed</Badge>
        </>
      )}
    </>
  )
}

/** An account of another server assigns nothing until somebody confirms it. */
function Unconfirmed({ of: account }: { readonly of: Account }) {
  return account.assigns === 'nothing' ? (
    <Note tone="warn">
      <p>The rules change {ASSIGNS.nothing}.</p>
      <Confirm of={account} />
    </Note>
  ) : null
}

/** Lets the rules change devices with profiles of other servers. */
export function Confirm({ of: { id } }: { readonly of: Pick<Account, 'id'> }) {
  const isAsking = useSignal(false)
  const why = needs('config', may('config'))
  return (
    <>
      <Button
        why={why}
        onClick={() => {
          isAsking.value = true
        }}
      >
        Let the rules assign…
      </Button>
      {isAsking.value && (
        <AskFirst
          title="Let the rules change all devices"
          deed="Let the rules assign"
          why={why}
          onYes={async () => {
            const answer = await send('post', '/api/dep/accounts/{id}/confirm', { path: { id } })
            changed('/api/dep/')
            return answer
          }}
          onClose={() => {
            isAsking.value = false
          }}
        >
          <p>{CONFIRMING}</p>
        </AskFirst>
      )}
    </>
  )
}

/** What one does with an account. */
export function AccountActions({ of: { id } }: { readonly of: Pick<Account, 'id'> }) {
  const why = needs('config', may('config'))
  const sync = (full: boolean) => async (): Promise<void> => {
    const answer = await send('post', '/api/dep/accounts/{id}/sync', {
      path: { id },
      body: { full },
    })
    if (heard(answer)) {
      const { state, account } = answer.value
      toast({
        text:
          state === 'running'
            ? 'The sync goes on by itself'
            : `Synchronized: ${counted(account.last_run?.changed ?? 0, 'change')}`,
      })
    }
    changed('/api/dep/')
  }
  return (
    <div class="actions">
      <Button tone="main" why={why} onClick={sync(false)}>
        Sync now
      </Button>
      <Button why={why} onClick={sync(true)}>
        Fetch all devices
      </Button>
      <a class="button" href={`/console/business-manager/${encodeURIComponent(id)}?tab=token`}>
        Renew token…
      </a>
    </div>
  )
}

/** The address of a tab of the present account. */
export function tabOf(tab: string): string {
  return withQuery({ tab, device: undefined, profile: undefined, cursor: undefined })
}
