import { useComputed, useSignal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import { get } from '../api/call.ts'
import { deviceName } from '../api/names.ts'
import { after } from '../time/clock.ts'
import { presentEntries, type PaletteEntry } from '../place/palette-entries.ts'
import { noteRecent, recents } from '../place/recents.ts'
import { go } from '../place/router.ts'
import { NAVIGATION } from './routes.ts'

interface Line {
  readonly entry: PaletteEntry
  readonly group: string
  readonly hint?: string
}

type Devices =
  | { readonly kind: 'none' }
  | { readonly kind: 'asked' }
  | { readonly kind: 'failed'; readonly detail: string }
  | { readonly kind: 'found'; readonly lines: readonly Line[] }

const DEBOUNCE = 150
const MAX_DEVICES = 8
const SCREENS = NAVIGATION.map((entry): Line => ({ entry, group: 'Screens' }))

/** Finds devices, screens and what one can do here, by a few letters. */
export function Palette({ onClose }: { readonly onClose: () => void }) {
  const text = useSignal('')
  const chosen = useSignal(0)
  /** Enter was pressed before the devices were there. */
  const isHasty = useSignal<'here' | 'beside' | undefined>(undefined)
  const devices = useDevices(text.value.trim())
  const lines = useComputed(() => linesOf(text.value.trim(), devices.value)).value
  const dialog = useRef<HTMLDialogElement>(null)
  useEffect(() => {
    const opener = document.activeElement
    dialog.current?.showModal()
    return () => {
      if (opener instanceof HTMLElement && opener.isConnected) {
        opener.focus()
      }
    }
  }, [])
  const active = Math.min(chosen.value, lines.length - 1)
  const choose = (line: Line | undefined, isBeside: boolean): void => {
    if (line) {
      onClose()
      follow(line, isBeside)
    }
  }
  const enter = (isBeside: boolean): void => {
    const isFirstLocal = active === 0 && lines[0]?.entry.danger !== true
    if (devices.value.kind === 'asked' && !(lines.length > 0 && (isFirstLocal || active > 0))) {
      isHasty.value = isBeside ? 'beside' : 'here'
    } else {
      choose(lines[active], isBeside)
    }
  }
  const { kind } = devices.value
  useEffect(() => {
    if (isHasty.value !== undefined && kind !== 'asked') {
      choose(lines[0], isHasty.value === 'beside')
      isHasty.value = undefined
    }
  })
  const steps: Readonly<Record<string, number>> = { ArrowDown: 1, ArrowUp: -1 }
  return (
    <dialog
      ref={dialog}
      class="palette"
      aria-label="Search"
      onCancel={(event) => {
        event.preventDefault()
        onClose()
      }}
      onClick={(event) => {
        if (event.target === dialog.current) {
          onClose()
        }
      }}
    >
      <input
        type="text"
        role="combobox"
        aria-label="Search devices, screens and commands"
        aria-expanded="true"
        aria-controls="palette-list"
        aria-activedescendant={lines.length > 0 ? `palette-${active}` : undefined}
        autocomplete="off"
        spellcheck={false}
        placeholder="Serial, name, screen or command"
        value={text.value}
        onInput={(event) => {
          text.value = event.currentTarget.value
          chosen.value = 0
          isHasty.value = undefined
        }}
        onKeyDown={(event) => {
          const step = steps[event.key]
          if (step !== undefined) {
            event.preventDefault()
            chosen.value = (active + step + lines.length) % Math.max(lines.length, 1)
          } else if (event.key === 'Enter' && !event.isComposing) {
            event.preventDefault()
            enter(event.metaKey || event.ctrlKey)
          }
        }}
      />
      <Lines lines={lines} active={active} choose={choose} />
      <p class="state" role="status">
        {stateOf(devices.value, lines.length)}
      </p>
    </dialog>
  )
}

function Lines({
  lines,
  active,
  choose,
}: {
  readonly lines: readonly Line[]
  readonly active: number
  readonly choose: (line: Line, isBeside: boolean) => void
}) {
  const list = useRef<HTMLUListElement>(null)
  useEffect(() => {
    list.current?.querySelector('[aria-selected=true]')?.scrollIntoView({ block: 'nearest' })
  }, [active])
  return (
    <ul role="listbox" id="palette-list" aria-label="Found" ref={list}>
      {lines.map((line, n) => (
        <li
          key={`${line.group} ${line.entry.label} ${line.hint ?? ''}`}
          id={`palette-${n}`}
          role="option"
          aria-selected={n === active}
          class={line.entry.danger ? 'bad' : ''}
          onClick={(event) => {
            choose(line, event.metaKey || event.ctrlKey)
          }}
        >
          <span>{line.entry.label}</span>
          <span class="dim">{line.hint}</span>
          <span class="group">{line.group}</span>
        </li>
      ))}
    </ul>
  )
}

function follow({ entry, group }: Line, isBeside: boolean): void {
  if (!('to' in entry)) {
    void entry.run()
    return
  }
  if (group === 'Devices') {
    noteRecent({ label: entry.label, to: entry.to })
  }
  if (isBeside) {
    open(entry.to, '_blank', 'noopener')
  } else {
    go(entry.to)
  }
}

function stateOf(devices: Devices, count: number): string {
  if (devices.kind === 'failed') {
    return devices.detail
  }
  return devices.kind === 'asked' ? 'Searching…' : count === 0 ? 'Nothing is called so' : ''
}

/** What one can do here first, then devices, then screens; what loses data last. */
function linesOf(text: string, devices: Devices): Line[] {
  const here = presentEntries().map((entry): Line => ({ entry, group: 'Here' }))
  const recent = text === '' ? recents().map((entry): Line => ({ entry, group: 'Recent' })) : []
  const found = devices.kind === 'found' ? devices.lines : []
  const words = text.toLowerCase().split(/\s+/)
  const local = [...here, ...SCREENS].filter(({ entry }) =>
    words.every((word) => entry.label.toLowerCase().includes(word)),
  )
  const safe = local.filter(({ entry }) => entry.danger !== true)
  return [...safe, ...recent, ...found, ...local.filter(({ entry }) => entry.danger === true)]
}

/** Asks the server, once the typing rests. An answer to an earlier text is dropped. */
function useDevices(text: string) {
  const devices = useSignal<Devices>({ kind: 'none' })
  useEffect(() => {
    if (text === '') {
      devices.value = { kind: 'none' }
      return
    }
    devices.value = { kind: 'asked' }
    const abort = new AbortController()
    const end = after(DEBOUNCE, () => {
      void search(text, abort.signal).then((found) => {
        if (!abort.signal.aborted) {
          devices.value = found
        }
      })
    })
    return () => {
      end()
      abort.abort()
    }
  }, [text, devices])
  return devices
}

async function search(text: string, signal: AbortSignal): Promise<Devices> {
  const answer = await get('/api/devices', { query: { q: text, limit: MAX_DEVICES }, signal })
  if (!answer.ok) {
    return { kind: 'failed', detail: answer.fault.detail }
  }
  const lines = answer.value.items.map((device): Line => ({
    entry: {
      label: deviceName(device),
      to: `/console/devices/${encodeURIComponent(device.id)}`,
    },
    group: 'Devices',
    hint: [device.serial_number, device.model_name].filter(Boolean).join(' · '),
  }))
  return { kind: 'found', lines }
}
