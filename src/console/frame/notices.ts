import { useEffect, useRef } from 'preact/hooks'
import { stayLiveWhile, useLive } from '../api/live.ts'
import { noteOwn } from '../api/own-answers.ts'
import { areNoticesOn } from '../place/notices.ts'
import { go } from '../place/router.ts'
import { unseen } from '../place/title.ts'

/** While the page is hidden, its title counts the answers to one's own commands, and a notice tells each. */
export function useNotices(who: string): void {
  const mine = useRef(new Set<string>())
  useLive(['command'], (entry) => {
    const answer = noteOwn(mine.current, entry, who)
    if (!answer || !document.hidden) {
      return
    }
    unseen.value++
    if (areNoticesOn.value) {
      const notice = new Notification(answer.title, { body: answer.text, tag: answer.to })
      notice.addEventListener('click', () => {
        focus()
        go(answer.to)
        notice.close()
      })
    }
  })
  useEffect(() => {
    const look = (): void => {
      if (!document.hidden) {
        unseen.value = 0
      }
    }
    stayLiveWhile(() => mine.current.size > 0)
    document.addEventListener('visibilitychange', look)
    return () => {
      document.removeEventListener('visibilitychange', look)
    }
  }, [])
}
