/** The devices that were opened last. They stay in this browser until the sign-out. */
import { whenPersonGoes } from '../api/session.ts'

interface Recent {
  readonly label: string
  readonly to: string
}

const STORED = 'edgemdm-recents'
const KEPT = 5

export function recents(): Recent[] {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(STORED) ?? '[]')
    return Array.isArray(kept) ? kept.filter(isRecent) : []
  } catch {
    return []
  }
}

export function noteRecent(recent: Recent): void {
  const others = recents().filter(({ to }) => to !== recent.to)
  localStorage.setItem(STORED, JSON.stringify([recent, ...others].slice(0, KEPT)))
}

whenPersonGoes(() => {
  localStorage.removeItem(STORED)
})

function isRecent(value: unknown): value is Recent {
  return (
    typeof value === 'object' &&
    value !== null &&
    'label' in value &&
    typeof value.label === 'string' &&
    'to' in value &&
    typeof value.to === 'string' &&
    value.to.startsWith('/console/')
  )
}
