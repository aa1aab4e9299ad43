import { useSignal } from '@preact/signals'
import { useMemo } from 'preact/hooks'
import { COMMAND_STATES } from '../../../api/command-words.ts'
import type { Done } from '../../../api/fault.ts'
import { deviceName } from '../../../api/names.ts'
import { useRead } from '../../../api/read.ts'
import { may } from '../../../api/session.ts'
import type { Schema } from '../../../api/types.ts'
import { Badge } from '../../../kit/badge.tsx'
import { Button, needs } from '../../../kit/button.tsx'
import { AskFirst } from '../../../kit/dialog.tsx'
import { Section } from '../../../kit/facts.tsx'
import { Empty } from '../../../kit/states.tsx'
import { toast } from '../../../kit/toast.tsx'
import { removeInstalled } from '../../configuration/profiles/deeds.ts'
import { ProfileFile } from '../../configuration/profiles/file.tsx'
import { InstallButton } from '../../configuration/profiles/install.tsx'
import { PROFILE_SENTENCES } from '../../configuration/profiles/text.ts'
import { refreshInventory } from '../deeds.ts'
import { valueAt } from '../verdict.ts'
import { WAITING } from './commands.tsx'
import { AskAgain, AsOf, textAt } from './inventory.tsx'

type Command = Schema<'Command'>
type Device = Schema<'DeviceDetail'>

/** The profiles that the device has, with what is in each. A file that is dropped here is installed. */
export function Profiles({ device }: { readonly device: Device }) {
  const { id, state } = device
  const list = device.inventory.ProfileList
  const recent = useRecent(id)
  const isOld = recent.some((command) => isChangeSince(command, list?.at))
  const why = needs('command', may('command'))
  const add = (
    <ProfileFile label="Install a profile…" why={why}>
      {(opened, close) => (
        <div class="actions">
          <InstallButton
            opened={opened}
            device={{ id, name: deviceName(device) }}
            label="Install"
            onDone={close}
          />
          <Button onClick={close}>Cancel</Button>
        </div>
      )}
    </ProfileFile>
  )
  if (!list) {
    return (
      <>
        <UnderWay of={recent} since={undefined} />
        <Empty title="The device has not reported its profiles">
          <p class="actions centred">
            {state === 'enrolled' && (
              <Button tone="main" why={why} onClick={() => refreshInventory(id)}>
                Ask for them
              </Button>
            )}
            {add}
          </p>
        </Empty>
      </>
    )
  }
  const profiles: readonly unknown[] = Array.isArray(list.value) ? list.value : []
  return (
    <Section
      title={`Profiles (${profiles.length})`}
      actions={
        <span class="actions">
          <AsOf at={list.at} />
          {isOld && <Badge tone="warn">Changed since</Badge>}
          <AskAgain device={device} isMain={isOld} />
          {add}
        </span>
      }
    >
      <UnderWay of={recent} since={list.at} />
      {profiles.length === 0 && <p class="dim">The device has no profile.</p>}
      {profiles.map((profile, n) => (
        <Profile key={n} of={profile} device={device} />
      ))}
    </Section>
  )
}

const RECENT = 10
/** The payload without which a device is not managed. */
const MDM = 'com.apple.mdm'

/** The newest commands that change profiles. */
function useRecent(id: string): readonly Command[] {
  const { value } = useRead('/api/devices/{id}/commands', {
    path: { id },
    query: { request_type: ['InstallProfile', 'RemoveProfile'], limit: RECENT },
  }).state.value
  return value?.items ?? []
}

/** Whether the device has carried it out after its report. */
function isChangeSince({ state, answered_at: at }: Command, since: string | undefined): boolean {
  return state === 'acknowledged' && since !== undefined && at !== null && at > since
}

/** What waits for the device, and what it has refused since its report. */
function UnderWay({
  of: commands,
  since = '',
}: {
  readonly of: readonly Command[]
  readonly since: string | undefined
}) {
  const shown = commands.filter(
    ({ state, answered_at: at }) =>
      WAITING.some((one) => one === state) || (state === 'error' && at !== null && at >= since),
  )
  return shown.length === 0 ? null : (
    <ul class="commands">
      {shown.map(({ id, request_type: type, state }) => (
        <li key={id}>
          <a href={`/console/commands/${encodeURIComponent(id)}`}>{type}</a>{' '}
          <Badge tone={COMMAND_STATES[state][0]}>{COMMAND_STATES[state][1]}</Badge>
        </li>
      ))}
    </ul>
  )
}

function Removal({
  device,
  identifier,
  name,
  isEnrolment,
  onClose,
}: {
  readonly device: Device
  readonly identifier: string
  readonly name: string
  readonly isEnrolment: boolean
  readonly onClose: () => void
}) {
  const scope = isEnrolment ? 'destructive' : 'command'
  const key = useMemo(() => crypto.randomUUID(), [])
  const remove = async (): Promise<Done> => {
    const fault = await removeInstalled(device.id, identifier, key)
    if (fault) {
      return { ok: false, fault }
    }
    toast({ text: `The removal of ${name} waits for ${deviceName(device)}` })
    return { ok: true }
  }
  return (
    <AskFirst
      title={`Remove ${name}`}
      deed="Remove profile"
      {...(isEnrolment && { word: (device.serial_number ?? device.id).slice(-4) })}
      why={needs(scope, may(scope))}
      onYes={remove}
      onClose={onClose}
    >
      <p class="mono">{identifier}</p>
      <p>{isEnrolment ? PROFILE_SENTENCES.leaving : PROFILE_SENTENCES.removing}</p>
    </AskFirst>
  )
}

function Profile({ of, device }: { readonly of: unknown; readonly device: Device }) {
  const isRemoving = useSignal(false)
  const identifier = textAt(of, 'PayloadIdentifier')
  const content = valueAt(of, 'PayloadContent')
  const payloads: readonly unknown[] = Array.isArray(content) ? content : []
  // Not every OS says whether a profile is managed: only a clear no means that it cannot be removed.
  const isManaged = valueAt(of, 'IsManaged')
  const name = textAt(of, 'PayloadDisplayName') || identifier || 'Without a name'
  return (
    <div class="removable">
      <details class="nested">
        <summary>
          <bdi>{name}</bdi> {isManaged === true && <Badge tone="good">Managed</Badge>}{' '}
          <bdi class="dim">{identifier}</bdi>
        </summary>
        {textAt(of, 'PayloadDescription') !== '' && <p>{textAt(of, 'PayloadDescription')}</p>}
        <ul>
          {payloads.map((payload, n) => (
            <li key={n}>
              <bdi>{textAt(payload, 'PayloadDisplayName') || textAt(payload, 'PayloadType')}</bdi>{' '}
              <span class="dim mono">{textAt(payload, 'PayloadType')}</span>
            </li>
          ))}
        </ul>
      </details>
      {isManaged !== false && identifier !== '' && (
        <Button
          tone="quiet"
          why={needs('command', may('command'))}
          onClick={() => {
            isRemoving.value = true
          }}
        >
          Remove…<bdi class="unseen"> {name}</bdi>
        </Button>
      )}
      {isRemoving.value && (
        <Removal
          device={device}
          identifier={identifier}
          name={name}
          isEnrolment={payloads.some((one) => textAt(one, 'PayloadType') === MDM)}
          onClose={() => {
            isRemoving.value = false
          }}
        />
      )}
    </div>
  )
}
