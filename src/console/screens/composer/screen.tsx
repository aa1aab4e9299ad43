import { useEffect } from 'preact/hooks'
import { get } from '../../api/call.ts'
import { deviceName } from '../../api/names.ts'
import { useRead } from '../../api/read.ts'
import type { Schema } from '../../api/types.ts'
import type { TypeDocument } from '../../../command-types/document.ts'
import { isJsonKeys, type Json } from '../../composer/draft.ts'
import { factsOf, NO_FACTS, type DeviceFacts } from '../../composer/facts.ts'
import { draftOf, draftOfWords } from '../../composer/fill.ts'
import { firstDraft } from '../../composer/presets.ts'
import { presentKinds } from '../../composer/warnings.ts'
import { useTitle } from '../../place/title.ts'
import { go, place, type ScreenProps } from '../../place/router.ts'
import { Note, Shown } from '../../kit/states.tsx'
import { toast } from '../../kit/toast.tsx'
import { cancelCommandOf } from '../command/card.tsx'
import { serverNow } from '../../time/clock.ts'
import { timesAgain } from './again.ts'
import { Chooser } from './chooser.tsx'
import { Composer } from './composer.tsx'
import { Meanwhile } from './meanwhile.tsx'
import { forgetForm, formFor, type FormState } from './form-state.ts'
import { sendToOne } from './sending.ts'
import { deedOf, NO_LONGER_KEPT, NOT_HERE, OS_UNKNOWN, UNKNOWN_DEVICE } from './text.ts'

type Device = Schema<'DeviceDetail'>

/** A command to one device: which, and its form. The page of the command follows. */
export default function CommandToOne({ names: { id = '', type } }: ScreenProps) {
  const read = useRead('/api/devices/{id}', { path: { id } })
  const { value: device, fault } = read.state.value
  const isUnknown = fault?.status === 404
  const name = deviceName(device ?? { id })
  const address = `/console/devices/${encodeURIComponent(id)}`
  useTitle(`${type ?? 'Command'} to ${name}`)
  const facts = device ? factsOf(device, id) : NO_FACTS
  return (
    <>
      <p class="crumbs">
        <a href={address}>‹ {name}</a>
        {type !== undefined && <a href={`${address}/command`}>All commands</a>}
      </p>
      <h1>{type ?? `Command to ${name}`}</h1>
      {!device && !isUnknown ? (
        <Shown read={read}>{() => null}</Shown>
      ) : (
        <>
          <Remark device={device} />
          {type === undefined ? (
            <Chooser facts={facts} addressOf={(chosen) => `${address}/command/${chosen}`} />
          ) : (
            <TypedCommand key={type} id={id} device={device} facts={facts} requestType={type} />
          )}
        </>
      )}
    </>
  )
}

function Remark({ device }: { readonly device: Device | undefined }) {
  if (!device) {
    return <Note tone="warn">{UNKNOWN_DEVICE}</Note>
  }
  if (device.state !== 'enrolled') {
    return <Note tone="warn">{NOT_HERE}</Note>
  }
  return device.platform === null ? <Note>{OS_UNKNOWN}</Note> : null
}

interface TypedProps {
  readonly id: string
  readonly device: Device | undefined
  readonly facts: DeviceFacts
  readonly requestType: string
}

function TypedCommand(props: TypedProps) {
  const { id, facts, requestType } = props
  const read = useRead('/api/command-types/{id}', { path: { id: requestType } })
  const { query } = place.value
  const from = query.get('from')
  const name = `${id} ${requestType} ${query.toString()}`
  return (
    <Shown read={read} lines={6}>
      {(described) => {
        // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- its form: document.ts
        const type = described as unknown as TypeDocument
        const form = formFor(name, () => ({
          ...firstDraft(type, facts, (bytes) => crypto.getRandomValues(bytes)),
          ...draftOfWords(type, query),
        }))
        return <Filled {...props} type={type} form={form} name={name} from={from} />
      }}
    </Shown>
  )
}

interface FilledProps extends TypedProps {
  readonly type: TypeDocument
  readonly form: FormState
  readonly name: string
  readonly from: string | null
}

function Filled({ id, device, facts, requestType, type, form, name, from }: FilledProps) {
  const escrow = useRead('/api/devices/{id}/escrow', { path: { id } })
  useEffect(() => {
    if (from !== null && !form.isTouched.value) {
      void fillFrom(type, form, from)
    }
  }, [form])
  const serial = device?.serial_number ?? ''
  const target = {
    facts,
    kept: presentKinds(escrow.state.value.value?.items),
    deed: deedOf(requestType, facts),
    name: [...new Set([deviceName(device ?? { id }), serial || id])].join(', '),
    word: (serial || id).slice(-4),
    what:
      serial === '' ? 'The last four characters of its id.' : 'The last four of its serial number.',
    path: `/api/devices/${encodeURIComponent(id)}/commands`,
    send: async (body: Parameters<typeof sendToOne>[1]['body'], force: boolean) => {
      const answer = await sendToOne(form, { id, body, force })
      if (answer.ok) {
        forgetForm(name)
        // A page that is loaded again shows the command, and not an empty form.
        go(`/console/commands/${encodeURIComponent(answer.value.id)}`, { replace: true })
        if (type.destructive) {
          toast({
            text: `${requestType} queued.`,
            action: {
              label: 'Cancel',
              run: () => cancelCommandOf(answer.value.id),
              command: answer.value.id,
            },
          })
        }
      }
      return answer
    },
  }
  return (
    <Composer type={type} form={form} target={target}>
      <Meanwhile id={id} />
    </Composer>
  )
}

/** Fills the form as an earlier command was, as far as that is still kept. */
async function fillFrom(type: TypeDocument, form: FormState, id: string): Promise<void> {
  const answer = await get('/api/commands/{id}', { path: { id } })
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the API's answer is JSON
  const command = answer.ok ? (answer.value.command as Json) : null
  const draft = isJsonKeys(command) ? draftOf(type, command) : undefined
  if (!draft) {
    toast({ text: answer.ok ? NO_LONGER_KEPT : answer.fault.detail, tone: 'bad' })
  } else if (answer.ok && !form.isTouched.value) {
    const { times, dropped } = timesAgain(answer.value, serverNow())
    form.draft.value = { ...form.draft.value, ...draft }
    form.times.value = times
    if (dropped !== '') {
      toast({ text: dropped })
    }
  }
}
