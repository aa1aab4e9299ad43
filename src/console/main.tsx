import { render } from 'preact'
import { followLive } from './api/live.ts'
import { followTabs, readSession } from './api/session.ts'
import { App } from './frame/app.tsx'
import { followPointer, loadAhead } from './frame/screen.tsx'
import { followKeys } from './place/keyboard.ts'
import { applyTheme } from './person/theme.tsx'
import { followLinks, path } from './place/router.ts'
import { followScroll } from './place/scroll.ts'

applyTheme()
followLinks()
followKeys()
followScroll()
followLive(path)
followTabs()
void readSession()
// The session is asked for meanwhile.
loadAhead(path.value)
followPointer()
render(<App />, document.body)
