import type { Env } from '../../env.ts'

/**
 * Makes the bare UserID lead to its device, before the user channel's first TokenUpdate is answered, and moves
 * the commands that waited there (design.md 1). Every step may be repeated: a crash in between shows as an
 * error, and the device sends its TokenUpdate again.
 */
export async function makeAlias(env: Env, device: string, user: string): Promise<void> {
  const owner = env.DEVICE.getByName(device)
  const name = env.DEVICE.getByName(user)
  for (let after: number | undefined = 0; after !== undefined;) {
    const page = await name.alias(device, user, after)
    if (page.kind === 'device') {
      break
    }
    if (page.waiting.length > 0) {
      await owner.takeOver(user, user, page.waiting)
    }
    after = page.next
    if (after === undefined) {
      await name.confirmAlias()
    }
  }
  await owner.aliasMade(user)
}
