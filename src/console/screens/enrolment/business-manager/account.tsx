import { useSignal } from '@preact/signals'
import { send } from '../../../api/call.ts'
import { AskFirst } from '../../../kit/dialog.tsx'
import { changed, useRead } from '../../../api/read.ts'
import { may } from '../../../api/session.ts'
import type { Schema } from '../../../api/types.ts'
import { Button, needs } from '../../../kit/button.tsx'
import { Section } from '../../../kit/facts.tsx'
import { Shown } from '../../../kit/states.tsx'
import { Tabs } from '../../../kit/tabs.tsx'
import { toast } from '../../../kit/toast.tsx'
import { go, place, type ScreenProps, wordIn } from '../../../place/router.ts'
import { useTitle } from '../../../place/title.ts'
import { Connect } from './connect.tsx'
import { Devices } from './devices/devices.tsx'
import { Profiles } from './profiles.tsx'
import { Rules } from './rules.tsx'
import { AccountActions, Standing, tabOf } from './standing.tsx'
import { REMOVING } from './text.ts'

const TABS = ['devices', 'rules', 'profiles', 'token'] as const
const LOOKS_AGAIN_AFTER = 15_000

/** One account: how it stands, its devices, rules and profiles. */
export default function Account({ names: { id = '' } }: ScreenProps) {
  const read = useRead('/api/dep/accounts/{id}', { path: { id } }, { each: LOOKS_AGAIN_AFTER })
  const tab = wordIn(place.value.query.get('tab'), TABS, 'devices')
  useTitle(read.state.value.value?.server_name ?? undefined)
  return (
    <Shown read={read}>
      {(account) => (
        <>
          <p class="back">
            <a href="/console/business-manager">‹ Apple Business Manager</a>
          </p>
          <header class="bar">
            <h1>{account.server_name ?? account.id}</h1>
            <AccountActions of={account} />
          </header>
          <Standing of={account} />
          <Tabs
            label="Parts of the account"
            current={tab}
            tabs={[
              {
                id: 'devices',
                to: tabOf(''),
                label: 'Devices',
                count: account.devices.total,
              },
              { id: 'rules', to: tabOf('rules'), label: 'Rules' },
              { id: 'profiles', to: tabOf('profiles'), label: 'Enrolment profiles' },
              { id: 'token', to: tabOf('token'), label: 'Token' },
            ]}
          />
          {tab === 'devices' && <Devices account={id} />}
          {tab === 'rules' && <Rules account={account} />}
          {tab === 'profiles' && <Profiles account={id} />}
          {tab === 'token' && <Token of={account} />}
        </>
      )}
    </Shown>
  )
}

function Token({ of: account }: { readonly of: Schema<'DepAccountDetail'> }) {
  return (
    <>
      <Section title="Renew the token">
        <Connect renewed={account} />
      </Section>
      <Section title="Remove the account">
        <Removal of={account} />
      </Section>
    </>
  )
}

function Removal({ of: { id, server_name: name } }: { readonly of: Schema<'DepAccountDetail'> }) {
  const isAsking = useSignal(false)
  const why = needs('config', may('config'))
  const word = name ?? id
  return (
    <>
      <p>{REMOVING}</p>
      <Button
        tone="danger"
        why={why}
        onClick={() => {
          isAsking.value = true
        }}
      >
        Remove account…
      </Button>
      {isAsking.value && (
        <AskFirst
          title={`Remove ${word}`}
          deed="Remove account"
          word={word}
          hint="The name of the account."
          why={why}
          onYes={async () => {
            const answer = await send('delete', '/api/dep/accounts/{id}', {
              path: { id },
              query: { confirm: id },
            })
            if (answer.ok) {
              toast({ text: `${word} is removed` })
              changed('/api/dep/')
              go('/console/business-manager', { replace: true })
            }
            return answer
          }}
          onClose={() => {
            isAsking.value = false
          }}
        >
          <p>{REMOVING}</p>
        </AskFirst>
      )}
    </>
  )
}
