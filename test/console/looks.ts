import { expectAccessible, PHONE, type Visit } from './console.ts'

const WIDE = { width: 1280, height: 800 }

/** Checks a state on a wide screen, and on a phone in the dark. */
export async function expectAccessibleInBothLooks(visit: Visit): Promise<void> {
  const { page } = visit
  await expectAccessible(visit)
  await page.emulateMedia({ colorScheme: 'dark' })
  await page.setViewportSize(PHONE)
  await expectAccessible(visit)
  await page.emulateMedia({ colorScheme: 'light' })
  await page.setViewportSize(WIDE)
}
