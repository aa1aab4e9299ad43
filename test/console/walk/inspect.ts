/** What a person would see at a glance: something that is cut off, or too small for a finger. */

/** Runs in the page, so it refers to nothing outside. @returns a sentence for each fault */
export function inspectLayout(isPhone: boolean): string[] {
  const SHOWN =
    'h1, h2, h3, a[href], button, input, select, textarea, summary, legend, label, th, dt'
  /** What one presses to get on, the ways to other screens, and what one types in. */
  const PRIMARY =
    '.button, nav a, .tabs a, select, textarea, input:not([type=checkbox], [type=radio])'
  const FINGER = 44
  const root = document.documentElement
  const faults: string[] = []
  if (root.scrollWidth > root.clientWidth) {
    faults.push(`the page scrolls sideways by ${root.scrollWidth - root.clientWidth} px`)
  }
  const isOf = (value: string, ...words: string[]): boolean => words.includes(value)
  const nameOf = (element: Element): string => {
    const text = element.textContent.trim() || element.getAttribute('aria-label') || ''
    const kind = [element.localName, ...element.classList].join('.')
    return `${kind} “${text.replaceAll(/\s+/g, ' ').slice(0, 40)}”`
  }
  const isShown = (element: Element): boolean => {
    const { width, height } = element.getBoundingClientRect()
    return (
      width > 1 &&
      height > 1 &&
      element.checkVisibility({ opacityProperty: true, visibilityProperty: true }) &&
      !element.closest('.unseen, .skip, [aria-hidden=true]')
    )
  }
  /** The part of an element that no box around it cuts off. A part that one can scroll to is not cut. */
  const seenWidth = (element: Element): number => {
    let { left, right } = element.getBoundingClientRect()
    for (let box = element.parentElement; box && box !== root; box = box.parentElement) {
      const { overflowX } = getComputedStyle(box)
      if (isOf(overflowX, 'auto', 'scroll')) {
        return right - left
      }
      if (isOf(overflowX, 'hidden', 'clip')) {
        const around = box.getBoundingClientRect()
        left = Math.max(left, around.left)
        right = Math.min(right, around.right)
      }
    }
    return Math.min(right, root.clientWidth) - Math.max(left, 0)
  }
  for (const element of document.querySelectorAll<HTMLElement>(SHOWN)) {
    if (!isShown(element)) {
      continue
    }
    const { width, height } = element.getBoundingClientRect()
    const style = getComputedStyle(element)
    const seen = seenWidth(element)
    // A long name may end in dots where it leads to the page that shows it whole.
    const isName = element.matches('td a, li a, option, .combo *')
    if (seen < (isName ? Math.min(width, 24) : width) - 1) {
      faults.push(`${nameOf(element)} is cut off: ${Math.round(seen)} of ${Math.round(width)} px`)
    }
    const isClipped = isOf(style.overflowX, 'hidden', 'clip')
    if (isClipped && element.scrollWidth > element.clientWidth + 1 && !isName && !element.title) {
      faults.push(`${nameOf(element)} hides a part of its text`)
    }
    if (isPhone && element.matches(PRIMARY) && Math.round(height) < FINGER) {
      faults.push(`${nameOf(element)} is ${Math.round(height)} px high, not ${FINGER}`)
    }
  }
  return [...new Set(faults)]
}
