import { Dialog } from '../kit/dialog.tsx'
import { Check } from '../kit/field.tsx'
import { areKeysOn, KEY_NAMES, presentKeys, switchKeys } from '../place/keyboard.ts'

function nameOf(key: string): string {
  return new Map(Object.entries(KEY_NAMES)).get(key) ?? (key.length === 1 ? key.toUpperCase() : key)
}

/** Lists every key that does something now. */
export function Shortcuts({ onClose }: { readonly onClose: () => void }) {
  return (
    <Dialog title="Keyboard shortcuts" onClose={onClose}>
      <dl class="shortcuts">
        {[...byLabel()].map(([label, names]) => (
          <div key={label}>
            <dt>
              {names.map((name) => (
                <span key={name}>
                  {name.split(/[ +]/).map((key) => (
                    <kbd key={key}>{nameOf(key)}</kbd>
                  ))}
                </span>
              ))}
            </dt>
            <dd>{label}</dd>
          </div>
        ))}
      </dl>
      <Check
        label={`Use keys without ${KEY_NAMES.mod}`}
        isOn={areKeysOn.value}
        onChange={switchKeys}
      />
    </Dialog>
  )
}

function byLabel(): Map<string, string[]> {
  const found = new Map<string, string[]>()
  for (const [name, { label }] of Object.entries(presentKeys())) {
    found.set(label, [...(found.get(label) ?? []), name])
  }
  return found
}
