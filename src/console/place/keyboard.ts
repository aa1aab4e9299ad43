import { signal } from '@preact/signals'
import { useLayoutEffect, useRef } from 'preact/hooks'

export interface KeyAction {
  /** What the key does, for the list that `?` shows. */
  readonly label: string
  readonly run: () => unknown
}

/**
 * What keys do, by their names: `c`, `?`, `Escape`, `mod+k` with ⌘ or Ctrl, `g d` for one after the other. A
 * letter is lower case.
 */
export type Keys = Readonly<Record<string, KeyAction>>

/** What stands on the reader's keyboard. */
export const KEY_NAMES = {
  mod: /Mac|iPhone|iPad/.test(navigator.userAgent) ? '⌘' : 'Ctrl',
  Escape: 'Esc',
} as const

const STORED = 'edgemdm-shortcuts'
/** What takes letters. */
const EDITED = 'input:not([type=checkbox], [type=radio]), select, textarea, [contenteditable]'

/** The keys of all that is mounted. Of two with one name, the one that was mounted last counts. */
const mounted = new Set<{ current: Keys }>()
let first = ''

/** Whether keys without ⌘ or Ctrl do something. People who speak to their computer switch them off. */
export const areKeysOn = signal(localStorage.getItem(STORED) !== 'off')

export function switchKeys(isOn: boolean): void {
  areKeysOn.value = isOn
  localStorage.setItem(STORED, isOn ? 'on' : 'off')
}

/** Gives keys to a screen, or to a part of it, as soon as it stands there. */
export function useKeys(keys: Keys): void {
  const own = useRef(keys)
  own.current = keys
  // Before it is painted: a reader presses a key as soon as there is something to see.
  useLayoutEffect(() => {
    mounted.add(own)
    return () => {
      mounted.delete(own)
    }
  }, [])
}

/** Every key that does something now: `?` lists them. */
export function presentKeys(): Keys {
  return Object.assign({}, ...[...mounted].map(({ current }) => current))
}

/** Listens for keys. Fields keep theirs, and so does an open dialog. */
export function followKeys(): void {
  document.addEventListener('keydown', (event) => {
    if (event.defaultPrevented || event.isComposing || document.querySelector('dialog[open]')) {
      return
    }
    const isMod = event.metaKey || event.ctrlKey
    const isField = event.target instanceof Element && event.target.closest(EDITED) !== null
    if (event.altKey || (!isMod && (isField || !areKeysOn.value))) {
      return
    }
    const pressed = event.key.length === 1 ? event.key.toLowerCase() : event.key
    const found = actionOf(presentKeys(), isMod ? `mod+${pressed}` : pressed)
    if (found) {
      event.preventDefault()
      void found.run()
    }
  })
}

/**
 * What a key does, after the one before it. The first of two keys waits for the next one, however long that
 * takes: WCAG 2.2, 2.1.1, asks for keys without specific timings.
 */
function actionOf(keys: Keys, pressed: string): KeyAction | undefined {
  const name = first === '' ? pressed : `${first} ${pressed}`
  const found = keys[name] ?? keys[pressed]
  const isFirst = !found && Object.keys(keys).some((other) => other.startsWith(`${pressed} `))
  first = isFirst ? pressed : ''
  return found
}
