const STORED = 'edgemdm-commands'
const KEPT = 5

/** The types that were sent last from this browser, the newest first. */
export function recentTypes(): readonly string[] {
  return (localStorage.getItem(STORED) ?? '').split(' ').filter(Boolean)
}

export function noteType(requestType: string): void {
  const others = recentTypes().filter((one) => one !== requestType)
  localStorage.setItem(STORED, [requestType, ...others].slice(0, KEPT).join(' '))
}
