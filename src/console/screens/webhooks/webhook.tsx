import { useSignal } from '@preact/signals'
import { send } from '../../api/call.ts'
import { changed, useRead } from '../../api/read.ts'
import { may } from '../../api/session.ts'
import type { Schema } from '../../api/types.ts'
import { useTitle } from '../../place/title.ts'
import { go, place, type ScreenProps, withQuery, wordIn } from '../../place/router.ts'
import { Button, needs } from '../../kit/button.tsx'
import { Copy } from '../../kit/copy.tsx'
import { Dialog } from '../../kit/dialog.tsx'
import { Shown } from '../../kit/states.tsx'
import { Tabs } from '../../kit/tabs.tsx'
import { heard, toast } from '../../kit/toast.tsx'
import { Actions } from './actions.tsx'
import { DeadLetters } from './dead-letters.tsx'
import { Posts } from './posts.tsx'
import { Deliveries } from './screen.tsx'
import { Settings } from './settings.tsx'
import { KEPT_BY_VARS, REMOVING } from './text.ts'

const LOOKS_AGAIN_AFTER = 15_000
const TABS = ['posts', 'dead', 'settings'] as const

/** One webhook: how it stands, its newest posts, its dead letters, its settings. */
export default function Webhook({ names: { id = '' } }: ScreenProps) {
  const read = useRead('/api/webhooks/{id}', { path: { id } }, { each: LOOKS_AGAIN_AFTER })
  useTitle(read.state.value.value?.url)
  return (
    <Shown read={read}>
      {(webhook) => (
        <>
          <p class="back">
            <a href="/console/webhooks">‹ Webhooks</a>
          </p>
          <header class="bar">
            <h1 class="address">{webhook.url}</h1>
          </header>
          <p class="dim">
            <code>{webhook.id}</code> <Copy text={webhook.id} label="Copy id" />
          </p>
          <Deliveries of={webhook} />
          <Actions of={webhook} />
          <Parts of={webhook} />
        </>
      )}
    </Shown>
  )
}

const to = (tab: string): string => withQuery({ tab, state: undefined })

function Parts({ of: webhook }: { readonly of: Schema<'Webhook'> }) {
  const tab = wordIn(place.value.query.get('tab'), TABS, 'posts')
  return (
    <>
      <Tabs
        label="Parts of the webhook"
        current={tab}
        tabs={[
          { id: 'posts', to: to(''), label: 'Newest posts' },
          {
            id: 'dead',
            to: to('dead'),
            label: 'Dead letters',
            count: webhook.deliveries.dead_letters,
          },
          { id: 'settings', to: to('settings'), label: 'Settings' },
        ]}
      />
      {tab === 'posts' && <Posts id={webhook.id} />}
      {tab === 'dead' && <DeadLetters id={webhook.id} />}
      {tab === 'settings' && (
        <>
          <Settings of={webhook} />
          {webhook.micromdm ? <p class="dim">{KEPT_BY_VARS}</p> : <Removal of={webhook} />}
        </>
      )}
    </>
  )
}

function Removal({ of: { id, url } }: { readonly of: Schema<'Webhook'> }) {
  const isAsking = useSignal(false)
  const ask = (isOn: boolean): void => {
    isAsking.value = isOn
  }
  const remove = async (): Promise<void> => {
    const answer = await send('delete', '/api/webhooks/{id}', { path: { id } })
    if (heard(answer)) {
      toast({ text: 'Webhook removed' })
      changed('/api/webhooks')
      go('/console/webhooks', { replace: true })
    }
  }
  return (
    <>
      <Button
        tone="danger"
        why={needs('config', may('config'))}
        onClick={() => {
          ask(true)
        }}
      >
        Remove webhook…
      </Button>
      {isAsking.value && (
        <Dialog
          title="Remove webhook"
          onClose={() => {
            ask(false)
          }}
        >
          <p class="address">{url}</p>
          <p>{REMOVING}</p>
          <div class="actions">
            <Button tone="danger" onClick={remove}>
              Remove webhook
            </Button>
            <Button
              onClick={() => {
                ask(false)
              }}
            >
              Keep it
            </Button>
          </div>
        </Dialog>
      )}
    </>
  )
}
