import { signal } from '@preact/signals'
import { useId } from 'preact/hooks'
import { wordIn } from '../place/router.ts'

const STORED = 'edgemdm-theme'
const THEMES = ['system', 'light', 'dark'] as const
const WORDS = { system: 'System', light: 'Light', dark: 'Dark' } as const
type Theme = (typeof THEMES)[number]

const theme = signal<Theme>('system')

/** Puts on the look that was chosen in this browser. */
export function applyTheme(chosen = wordIn(localStorage.getItem(STORED), THEMES, 'system')): void {
  theme.value = chosen
  document.documentElement.dataset['look'] = chosen
}

export function ThemeChoice() {
  const name = useId()
  return (
    <fieldset class="segments">
      <legend>Theme</legend>
      {THEMES.map((one) => (
        <label key={one}>
          <input
            type="radio"
            name={name}
            checked={theme.value === one}
            onChange={() => {
              localStorage.setItem(STORED, one)
              applyTheme(one)
            }}
          />
          <span>{WORDS[one]}</span>
        </label>
      ))}
    </fieldset>
  )
}
