/** A few ways to look at one thing: buttons of which one is pressed. */
export function Segments<Word extends string>({
  label,
  of,
  current,
  onChoose,
}: {
  readonly label: string
  readonly of: readonly (readonly [word: Word, label: string])[]
  readonly current: Word
  readonly onChoose: (word: Word) => void
}) {
  return (
    <div class="views" role="group" aria-label={label}>
      {of.map(([word, text]) => (
        <button
          key={word}
          type="button"
          aria-pressed={word === current}
          onClick={() => {
            onChoose(word)
          }}
        >
          {text}
        </button>
      ))}
    </div>
  )
}
