import { forgetAll } from '../api/read.ts'
import { signOut } from '../api/session.ts'
import { toast } from '../kit/toast.tsx'
import { forgetRecents } from '../place/recents.ts'

/** Ends the session, or all of its key, and forgets what was shown. */
export async function leave(everywhere: boolean): Promise<void> {
  const fault = await signOut(everywhere)
  if (fault) {
    toast({ text: fault.detail, tone: 'bad' })
    return
  }
  forgetAll()
  forgetRecents()
}
