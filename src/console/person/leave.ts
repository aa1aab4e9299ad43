import { signOut } from '../api/session.ts'
import { toast } from '../kit/toast.tsx'
import { wouldLose } from '../place/kept.ts'

const TYPED_LOST = 'What you typed into forms is lost then. Sign out all the same?'

/** Ends the session, or all of its key. What was shown and typed is forgotten. */
export async function leave(everywhere: boolean): Promise<void> {
  if (wouldLose() && !confirm(TYPED_LOST)) {
    return
  }
  const fault = await signOut(everywhere)
  if (fault) {
    toast({ text: fault.detail, tone: 'bad' })
  }
}
