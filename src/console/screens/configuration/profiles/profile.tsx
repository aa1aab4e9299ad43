import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { send } from '../../../api/call.ts'
import type { Fault } from '../../../api/fault.ts'
import { changed, useRead } from '../../../api/read.ts'
import { may } from '../../../api/session.ts'
import { Button, needs } from '../../../kit/button.tsx'
import { AskFirst } from '../../../kit/dialog.tsx'
import { Empty, FaultNote, Loading, Note, Shown } from '../../../kit/states.tsx'
import { toast } from '../../../kit/toast.tsx'
import { go, type ScreenProps } from '../../../place/router.ts'
import { useTitle } from '../../../place/title.ts'
import { SaveButton } from '../../command/save.tsx'
import { bytesOf } from '../../../results/certificate.ts'
import { ProfileContent } from './content.tsx'
import { saveProfile } from './deeds.ts'
import { openProfile, type OpenedProfile, ProfileFile } from './file.tsx'
import { InstallOn } from './install.tsx'
import { PROFILE_SENTENCES } from './text.ts'

/** One profile of the library: what is in it, and what one does with it. */
export default function StoredProfile({ names: { id = '' } }: ScreenProps) {
  return (
    <>
      <p class="back">
        <a href="/console/profiles">‹ Profiles</a>
      </p>
      {may('config') ? (
        <Readable id={id} />
      ) : (
        <>
          <h1 class="address">{id}</h1>
          <Empty title="Not shown">
            <p>{PROFILE_SENTENCES.needsConfig}</p>
          </Empty>
        </>
      )}
    </>
  )
}

function Readable({ id }: { readonly id: string }) {
  const read = useRead('/api/profiles/{id}', { path: { id } })
  return (
    <Shown read={read}>
      {({ mobileconfig }) => <Opening key={id} id={id} base64={mobileconfig} />}
    </Shown>
  )
}

function Opening({ id, base64 }: { readonly id: string; readonly base64: string }) {
  const opened = useSignal<OpenedProfile | string | undefined>(undefined)
  // A dialog stays open when somebody else stores another content.
  useEffect(() => {
    let isCurrent = true
    void openProfile(bytesOf(base64)).then((next) => {
      opened.value = isCurrent ? next : opened.value
    })
    return () => {
      isCurrent = false
    }
  }, [base64])
  const { value } = opened
  const facts = typeof value === 'object' ? value.facts : undefined
  useTitle(facts?.name)
  if (value === undefined) {
    return <Loading />
  }
  return (
    <>
      <header class="bar">
        <h1 class="address">{facts?.name || id}</h1>
        <Actions id={id} opened={typeof value === 'object' ? value : undefined} base64={base64} />
      </header>
      {typeof value === 'object' ? (
        <ProfileContent facts={value.facts} size={value.bytes.length} />
      ) : (
        <Note tone="warn">{PROFILE_SENTENCES.noProfile(id, value)}</Note>
      )}
    </>
  )
}

function Actions({
  id,
  opened,
  base64,
}: {
  readonly id: string
  readonly opened: OpenedProfile | undefined
  readonly base64: string
}) {
  const dialog = useSignal<'install' | 'delete' | undefined>(undefined)
  const close = (): void => {
    dialog.value = undefined
  }
  const show = (which: 'install' | 'delete') => (): void => {
    dialog.value = which
  }
  return (
    <div class="actions">
      {opened && (
        <Button tone="main" why={needs('command', may('command'))} onClick={show('install')}>
          Install on…
        </Button>
      )}
      <SaveButton label="Download" name={`${id}.mobileconfig`} text={() => bytesOf(base64)} />
      <ProfileFile label="Replace…" why={needs('config', may('config'))}>
        {(next, done) => <Replacement id={id} opened={next} onClose={done} />}
      </ProfileFile>
      <Button tone="danger" why={needs('config', may('config'))} onClick={show('delete')}>
        Delete…
      </Button>
      {dialog.value === 'install' && opened && (
        <InstallOn opened={opened} stored={id} onClose={close} />
      )}
      {dialog.value === 'delete' && <DeleteProfile id={id} onClose={close} />}
    </div>
  )
}

interface OwnProps {
  readonly id: string
  readonly onClose: () => void
}

function Replacement({ id, opened, onClose }: OwnProps & { readonly opened: OpenedProfile }) {
  const fault = useSignal<Fault | undefined>(undefined)
  const isOther = opened.facts.identifier !== id
  const save = async (): Promise<void> => {
    fault.value = await saveProfile(opened)
    if (!fault.value) {
      toast({
        text: 'Profile replaced. Devices that have it keep the old one until it is installed',
      })
      onClose()
    }
  }
  return (
    <>
      {isOther && (
        <Note tone="bad">
          This is another profile: its identifier is {opened.facts.identifier}. Save it under
          Profiles.
        </Note>
      )}
      {fault.value && <FaultNote fault={fault.value} />}
      <div class="actions">
        {!isOther && (
          <Button tone="main" onClick={save}>
            Replace profile
          </Button>
        )}
        <Button onClick={onClose}>Close</Button>
      </div>
    </>
  )
}

function DeleteProfile({ id, onClose }: OwnProps) {
  const remove = async () => {
    const answer = await send('delete', '/api/profiles/{id}', { path: { id } })
    if (answer.ok) {
      toast({ text: 'Profile deleted' })
      go('/console/profiles', { replace: true })
      changed('/api/profiles')
    }
    return answer
  }
  return (
    <AskFirst title="Delete profile" deed="Delete profile" onYes={remove} onClose={onClose}>
      <p class="mono">{id}</p>
      <p>{PROFILE_SENTENCES.deleting}</p>
    </AskFirst>
  )
}
