import { useSignal } from '@preact/signals'
import { useEffect, useMemo } from 'preact/hooks'
import { send, type Answer } from '../../api/call.ts'
import { changed, useRead } from '../../api/read.ts'
import type { Schema } from '../../api/types.ts'
import type { TypeDocument } from '../../../command-types/document.ts'
import type { JsonObject } from '../../composer/draft.ts'
import { NO_FACTS, type DeviceFacts } from '../../composer/facts.ts'
import { firstDraft } from '../../composer/presets.ts'
import { commandStanding } from '../../composer/standing.ts'
import { forgetTyped, useTyped } from '../../place/kept.ts'
import { go, place, withQuery, type ScreenProps } from '../../place/router.ts'
import { Field } from '../../kit/field.tsx'
import { FaultNote, Loading, Note, Shown } from '../../kit/states.tsx'
import { serverNow } from '../../time/clock.ts'
import { targetIn, type Target } from '../devices/selection.ts'
import { Chooser } from './chooser.tsx'
import { Composer } from './composer.tsx'
import { forgetForm, formFor } from './form-state.ts'
import { keyFor } from './sending.ts'
import { ToWhom } from './to-whom.tsx'
import { ASKED_ABOVE, countedDevices, deedOf, DISRUPTS } from './text.ts'

type Preview = Schema<'BulkPreview'>

/** A command to the devices that the address means: some ids, or all that a filter finds. */
export default function CommandToMany(_props: ScreenProps) {
  const { query } = place.value
  const words = query.toString()
  const target = useMemo(() => targetIn(new URLSearchParams(words), serverNow()), [words])
  const read = useSignal<Answer<Preview> | undefined>(undefined)
  const count = async (): Promise<void> => {
    read.value = await send('post', '/api/commands/preview', {
      body: { ...target, force: false },
    })
  }
  useEffect(() => void count(), [target])
  const type = query.get('type')
  const { value: answer } = read
  return (
    <>
      <p class="crumbs">
        <a href="/console/devices">‹ Devices</a>
        {type !== null && <a href={withQuery({ type: undefined })}>All commands</a>}
      </p>
      <h1>{type ?? 'Command to many devices'}</h1>
      {!answer && <Loading />}
      {answer && !answer.ok && <FaultNote fault={answer.fault} again={() => void count()} />}
      {answer?.ok && (
        <>
          <ToWhom query={query} target={target} total={answer.value.total} />
          {type === null ? (
            <Chooser
              facts={commonFacts(answer.value)}
              addressOf={(chosen) => withQuery({ type: chosen })}
            />
          ) : (
            <TypedForMany key={type} requestType={type} target={target} preview={answer.value} />
          )}
        </>
      )}
    </>
  )
}

interface TypedProps {
  readonly requestType: string
  readonly target: Target
  readonly preview: Preview
}

function TypedForMany(props: TypedProps) {
  const read = useRead('/api/command-types/{id}', { path: { id: props.requestType } })
  return (
    <Shown read={read} lines={6}>
      {(described) => (
        // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- its form: document.ts
        <FilledForMany {...props} type={described as unknown as TypeDocument} />
      )}
    </Shown>
  )
}

function FilledForMany({
  requestType,
  target,
  preview,
  type,
}: TypedProps & { readonly type: TypeDocument }) {
  const facts = commonFacts(preview)
  const { total } = preview
  const name = `${JSON.stringify(target)} ${requestType}`
  const form = formFor(name, () =>
    firstDraft(
      type,
      facts,
      (bytes) => crypto.getRandomValues(bytes),
      preview.groups.some(({ platform }) => platform === 'macOS'),
    ),
  )
  const limits = useTyped(`limits ${name}`, { pace: '', share: '' })
  const { pace, share } = limits.value
  const wrap = (body: JsonObject): JsonObject => ({
    ...target,
    command: body,
    ...(type.destructive && total > 1 && { confirm: { request_type: requestType, count: total } }),
    ...(pace !== '' && { pace: Number(pace) }),
    ...(share !== '' && { stop_at_error_rate: Number(share) / 100 }),
  })
  const lacking = lackingIn(type, preview)
  return (
    <>
      <Mix of={lacking} preview={preview} />
      <Composer
        type={type}
        form={form}
        target={{
          facts,
          kept: undefined,
          deed: deedOf(requestType, facts, total),
          name: countedDevices(total),
          word: String(total),
          what: 'The number of devices.',
          remarks: lacking.length > 0 ? [`${cannotTake(lacking, preview)}.`] : [],
          disrupts: total > ASKED_ABOVE ? DISRUPTS[requestType] : undefined,
          path: '/api/commands',
          wrap,
          send: async (body, force) => {
            const whole = { ...wrap(body), ...(force && { force }) }
            const answer = await send('post', '/api/commands', {
              // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the server checks it
              body: whole as unknown as Schema<'QueueCommandsRequest'>,
              headers: { 'idempotency-key': keyFor(form, JSON.stringify(whole)) },
            })
            if (answer.ok) {
              changed('/api/jobs')
              forgetForm(name)
              forgetTyped(`limits ${name}`)
              go(`/console/jobs/${encodeURIComponent(answer.value.id)}`)
            }
            return answer
          },
        }}
      >
        <div class="columns">
          <Field
            label="Devices a minute"
            hint="As fast as the server can, if left out."
            value={pace}
            more={{ inputMode: 'numeric' }}
            onInput={(text) => {
              limits.value = { ...limits.value, pace: text }
            }}
          />
          <Field
            label="Halt above this share of errors, in %"
            hint="Never, if left out."
            value={share}
            more={{ inputMode: 'numeric' }}
            onInput={(text) => {
              limits.value = { ...limits.value, share: text }
            }}
          />
        </div>
      </Composer>
    </>
  )
}

type Lacking = Preview['groups'][number] & { readonly why: string }

/** The devices that will refuse the command, by their platform and OS. */
function lackingIn(type: TypeDocument, { groups }: Preview): readonly Lacking[] {
  return groups.flatMap((group) => {
    const standing = commandStanding(type, factsOfGroup(group))
    return standing.kind === 'lacking' ? [{ ...group, why: standing.why }] : []
  })
}

function cannotTake(lacking: readonly Lacking[], { total }: Preview): string {
  const count = lacking.reduce((sum, { devices }) => sum + devices, 0)
  return `${countedDevices(count)} of ${total.toLocaleString('en-GB')} cannot take it`
}

function Mix({
  of: lacking,
  preview,
}: {
  readonly of: readonly Lacking[]
  readonly preview: Preview
}) {
  return lacking.length === 0 ? null : (
    <Note tone="warn">
      <p>{cannotTake(lacking, preview)}:</p>
      <ul>
        {lacking.map(({ platform, os_version: version, devices, why }) => (
          <li key={`${platform} ${version}`}>
            {devices.toLocaleString('en-GB')} with {platform} {version}: {why}
          </li>
        ))}
      </ul>
    </Note>
  )
}

function factsOfGroup({ platform, os_version: osVersion }: Preview['groups'][number]): DeviceFacts {
  return { ...NO_FACTS, platform, osVersion }
}

/** What all devices have in common: their platform, if there is one. */
function commonFacts({ groups, unlisted }: Preview): DeviceFacts {
  const platforms = new Set(groups.map(({ platform }) => platform))
  const [platform = null] = platforms
  return platforms.size === 1 && unlisted === 0 ? { ...NO_FACTS, platform } : NO_FACTS
}
