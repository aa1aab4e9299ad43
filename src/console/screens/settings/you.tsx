import { sessionState } from '../../api/session.ts'
import { areKeysOn, KEY_NAMES, switchKeys } from '../../place/keyboard.ts'
import { areNoticesOn, switchNotices } from '../../place/notices.ts'
import { leave } from '../../person/leave.ts'
import { ThemeChoice } from '../../person/theme.tsx'
import { Button } from '../../kit/button.tsx'
import { Facts, Section } from '../../kit/facts.tsx'
import { Check } from '../../kit/field.tsx'
import { toast } from '../../kit/toast.tsx'
import { Time } from '../../kit/time.tsx'
import { SCOPE_WORDS, SCOPES } from './text.ts'

async function notify(isOn: boolean): Promise<void> {
  const why = await switchNotices(isOn)
  if (why !== undefined) {
    toast({ text: why, tone: 'bad' })
  }
}

/** Who is signed in, with which rights, and how the page looks to this person. */
export function You() {
  const state = sessionState.value
  const session = state.kind === 'signed_in' ? state.session : undefined
  return (
    <>
      {session && (
        <Section title="Signed in">
          <Facts
            of={[
              ['Name', session.who],
              ['Key', `${session.key.name} (${session.key.id})`],
              ['Session ends', <Time key="end" at={session.expires_at} />],
              ['Server', `EdgeMDM ${session.version}`],
            ]}
          />
          <h3>This key may</h3>
          <ul class="scopes">
            {SCOPES.map((scope) => {
              const has = session.scopes.includes(scope)
              return (
                <li key={scope} class={has ? '' : 'dim'}>
                  <span class={has ? 'good' : ''} aria-hidden="true">
                    {has ? '✓' : '–'}
                  </span>{' '}
                  <span class="unseen">{has ? 'yes:' : 'no:'}</span>
                  <code>{scope}</code> {SCOPE_WORDS[scope]}
                </li>
              )
            })}
          </ul>
          <div class="actions">
            <Button onClick={() => leave(false)}>Sign out</Button>
            <Button onClick={() => leave(true)}>Sign out everywhere</Button>
          </div>
        </Section>
      )}
      <Section title="This browser">
        <ThemeChoice />
        <Check
          label={`Use keys without ${KEY_NAMES.mod}: ? lists them`}
          isOn={areKeysOn.value}
          onChange={switchKeys}
        />
        <Check
          label="Notify me while this page is hidden, when a device has answered a command of mine"
          isOn={areNoticesOn.value}
          onChange={(isOn) => void notify(isOn)}
        />
      </Section>
    </>
  )
}
