import { signal, useSignal } from '@preact/signals'
import type { ComponentChildren } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import { Button } from '../../../kit/button.tsx'
import { Dialog } from '../../../kit/dialog.tsx'
import { toast } from '../../../kit/toast.tsx'
import type { ProfileFacts } from '../../../results/profile.ts'
import { ProfileContent } from './content.tsx'
import { PROFILE_SENTENCES } from './text.ts'

/** A file that was read in the browser. Nothing of it has been sent. */
export interface OpenedProfile {
  readonly bytes: Uint8Array
  readonly facts: ProfileFacts
}

const MOST = 5_000_000
const isOver = signal(false)

/**
 * Takes a profile that is dropped anywhere on the page, or chosen, and shows what is in it. What one does
 * with it stands beneath.
 */
export function ProfileFile({
  label,
  tone = 'plain',
  why,
  children,
}: {
  readonly label: string
  readonly tone?: 'plain' | 'main'
  readonly why: string | undefined
  readonly children: (opened: OpenedProfile, close: () => void) => ComponentChildren
}) {
  const opened = useSignal<OpenedProfile | undefined>(undefined)
  const input = useRef<HTMLInputElement>(null)
  const take = async (files: FileList | null | undefined): Promise<void> => {
    const file = files?.[0]
    const isOne = files?.length === 1
    const read = file && (await readFile(file))
    if (typeof read === 'string') {
      toast({ text: read, tone: 'bad' })
    } else if (read) {
      opened.value = read
    }
    if (file && !isOne) {
      toast({ text: PROFILE_SENTENCES.onlyFirst(file.name) })
    }
  }
  const close = (): void => {
    opened.value = undefined
  }
  useDrop((files) => void take(files), why === undefined)
  return (
    <>
      <Button tone={tone} why={why} onClick={() => input.current?.click()}>
        {label}
      </Button>
      <input
        ref={input}
        type="file"
        hidden
        aria-label={label}
        accept=".mobileconfig,application/x-apple-aspen-config"
        onChange={(event) => {
          void take(event.currentTarget.files)
          // The same file may be chosen again.
          event.currentTarget.value = ''
        }}
      />
      {isOver.value && <div class="drop-here">{PROFILE_SENTENCES.drop}</div>}
      {opened.value && (
        <Dialog title={opened.value.facts.name || opened.value.facts.identifier} onClose={close}>
          <ProfileContent facts={opened.value.facts} size={opened.value.bytes.length} />
          {children(opened.value, close)}
        </Dialog>
      )}
    </>
  )
}

/** @returns why not, for a file that is no profile */
async function readFile(file: File): Promise<OpenedProfile | string> {
  if (file.size > MOST) {
    return PROFILE_SENTENCES.tooBig(file.name)
  }
  const bytes = new Uint8Array(await file.arrayBuffer())
  const read = await openProfile(bytes)
  return typeof read === 'string' ? PROFILE_SENTENCES.noProfile(file.name, read) : read
}

/**
 * The reader is loaded when there is something to read.
 *
 * @returns why not, for bytes that are no profile
 */
export async function openProfile(bytes: Uint8Array): Promise<OpenedProfile | string> {
  const { readProfile } = await import('../../../results/profile.ts')
  const facts = readProfile(bytes)
  return typeof facts === 'string' ? facts : { bytes, facts }
}

/** Without it, a browser would leave the page and show the file. */
function useDrop(take: (files: FileList | undefined) => void, isOn: boolean): void {
  const taker = useRef(take)
  taker.current = take
  useEffect(() => {
    const over = (event: DragEvent): void => {
      if (event.dataTransfer?.types.includes('Files')) {
        event.preventDefault()
        isOver.value = isOn && !document.querySelector('dialog[open]')
      }
    }
    const leave = (event: DragEvent): void => {
      // From one element to another it stays over the page.
      isOver.value = isOver.value && event.relatedTarget !== null
    }
    const drop = (event: DragEvent): void => {
      if (event.dataTransfer?.types.includes('Files')) {
        event.preventDefault()
        const isTaken = isOn && !document.querySelector('dialog[open]')
        isOver.value = false
        taker.current(isTaken ? event.dataTransfer.files : undefined)
      }
    }
    document.addEventListener('dragover', over)
    document.addEventListener('dragleave', leave)
    document.addEventListener('drop', drop)
    return () => {
      isOver.value = false
      document.removeEventListener('dragover', over)
      document.removeEventListener('dragleave', leave)
      document.removeEventListener('drop', drop)
    }
  }, [isOn])
}
