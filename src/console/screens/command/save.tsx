import { Button } from '../../kit/button.tsx'

/** Saves a text, or bytes, as a file. It is made when one asks for it. */
export function SaveButton({
  label,
  name,
  text,
}: {
  readonly label: string
  readonly name: string
  readonly text: () => BlobPart
}) {
  return (
    <Button
      tone="quiet"
      onClick={() => {
        const address = URL.createObjectURL(new Blob([text()]))
        const link = Object.assign(document.createElement('a'), { href: address, download: name })
        link.click()
        URL.revokeObjectURL(address)
      }}
    >
      {label}
    </Button>
  )
}
