import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import type { QrPath } from './qr-path.ts'

/** Cameras cannot read longer texts. */
const MOST_CHARS = 1000

/** A text as a QR code. Its encoder comes when it is first needed. */
export function Qr({ text, label }: { readonly text: string; readonly label: string }) {
  const code = useSignal<QrPath | undefined>(undefined)
  useEffect(() => {
    let isCurrent = true
    // Without a connection there is no code; the link stands beside it.
    void import('./qr-path.ts').then(
      ({ qrPath }) => {
        if (isCurrent) {
          code.value = qrPath(text)
        }
      },
      () => {},
    )
    return () => {
      isCurrent = false
    }
  }, [text, code])
  if (text.length > MOST_CHARS) {
    return null
  }
  const { value } = code
  return (
    <svg
      class="qr"
      role="img"
      aria-label={label}
      viewBox={`0 0 ${value?.size ?? 1} ${value?.size ?? 1}`}
      shape-rendering="crispEdges"
    >
      {value && <path d={value.path} />}
    </svg>
  )
}
