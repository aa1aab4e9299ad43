import { useSignal } from '@preact/signals'
import { useRead } from '../../../api/read.ts'
import { may } from '../../../api/session.ts'
import type { Schema } from '../../../api/types.ts'
import { Button, needs } from '../../../kit/button.tsx'
import { Facts } from '../../../kit/facts.tsx'
import { Note, Shown } from '../../../kit/states.tsx'
import { Time } from '../../../kit/time.tsx'
import type { ScreenProps } from '../../../place/router.ts'
import { useTitle } from '../../../place/title.ts'
import { absolute, counted } from '../../../time/words.ts'
import { ChangeDeadline, DeleteUpdate, SendCommand } from './changes.tsx'
import { UpdateDevices } from './devices.tsx'
import { Counts } from './progress.tsx'
import {
  deadlineRule,
  deadlineText,
  OWN_ZONE,
  settingsOf,
  targetRule,
  targetText,
  whomText,
} from './text.ts'

type Detail = Schema<'SoftwareUpdateDetail'>

const LOOKS_AGAIN_AFTER = 15_000

/** One policy: what it asks for, and how far each device is. */
export default function Update({ names: { id = '' } }: ScreenProps) {
  const read = useRead('/api/software-updates/{id}', { path: { id } }, { each: LOOKS_AGAIN_AFTER })
  const { value } = read.state.value
  useTitle(value && targetText(value))
  return (
    <>
      <p class="back">
        <a href="/console/updates">‹ Updates</a>
      </p>
      <Shown read={read}>
        {(policy) => (
          <>
            <header class="bar">
              <h1>{targetText(policy)}</h1>
              <Actions of={policy} />
            </header>
            <Remarks of={policy} />
            <FactsOf policy={policy} />
            {policy.progress && (
              <>
                <p>
                  <Counts of={policy.progress} />
                </p>
                <UpdateDevices of={policy} progress={policy.progress} />
              </>
            )}
          </>
        )}
      </Shown>
    </>
  )
}

function Actions({ of: policy }: { readonly of: Detail }) {
  const open = useSignal<'deadline' | 'command' | 'delete' | undefined>(undefined)
  const close = (): void => {
    open.value = undefined
  }
  const opener = (what: typeof open.value) => (): void => {
    open.value = what
  }
  const byCommand = policy.progress?.ways.command ?? 0
  return (
    <div class="actions">
      {byCommand > 0 && (
        <Button tone="main" why={needs('command', may('command'))} onClick={opener('command')}>
          Send the command…
        </Button>
      )}
      {policy.target && (
        <Button why={needs('config', may('config'))} onClick={opener('deadline')}>
          Change deadline…
        </Button>
      )}
      <Button tone="danger" why={needs('config', may('config'))} onClick={opener('delete')}>
        Delete…
      </Button>
      {open.value === 'deadline' && <ChangeDeadline of={policy} onClose={close} />}
      {open.value === 'command' && <SendCommand of={policy} count={byCommand} onClose={close} />}
      {open.value === 'delete' && <DeleteUpdate of={policy} onClose={close} />}
    </div>
  )
}

function Remarks({ of: { warnings, chosen, progress } }: { readonly of: Detail }) {
  const byCommand = progress?.ways.command ?? 0
  const withdrawn = chosen.flatMap((one) => (one.withdrawn === null ? [] : [one.withdrawn]))
  const remarks = [
    ...warnings,
    ...withdrawn,
    ...(byCommand > 0
      ? [
          `${counted(byCommand, 'device')} cannot be asked, because the OS is too old: send the command.`,
        ]
      : []),
  ]
  return remarks.map((text) => (
    <Note key={text} tone="warn">
      {text}
    </Note>
  ))
}

function FactsOf({ policy }: { readonly policy: Detail }) {
  const { chosen, details_url: details, changed_at: changedAt, id, target, declarations } = policy
  const [first] = chosen
  const rule = deadlineRule(policy)
  return (
    <Facts
      of={[
        ['Name', <code>{id}</code>],
        ['For', <bdi>{whomText(policy)}</bdi>],
        ...(target
          ? ([
              ['Target', targetRule(policy)],
              [
                'Deadline',
                <>
                  {deadlineText(policy)}, {OWN_ZONE}
                  {rule !== '' && ` (${rule})`}
                </>,
              ],
            ] as const)
          : []),
        ...(first
          ? ([
              [
                'Around the world',
                `${absolute(Date.parse(first.first_at))} – ${absolute(Date.parse(first.last_at))}`,
              ],
            ] as const)
          : []),
        ...(details === null ? [] : ([['Users read', <bdi>{details}</bdi>]] as const)),
        ...settingsOf(policy),
        [
          'Declarations',
          <span class="stacked">
            {declarations.map((one) => (
              <a key={one} href={`/console/declarations/${encodeURIComponent(one)}`}>
                {one}
              </a>
            ))}
          </span>,
        ],
        ['Changed', <Time at={changedAt} />],
      ]}
    />
  )
}
