import { place, wordIn } from '../../place/router.ts'
import { Tabs } from '../../kit/tabs.tsx'
import { KeyList } from './keys.tsx'
import { Server } from './server.tsx'
import { Sessions } from './sessions.tsx'
import { You } from './you.tsx'

const TABS = [
  { id: 'you', label: 'You', to: '/console/settings' },
  { id: 'sessions', label: 'Sessions', to: '/console/settings?tab=sessions' },
  { id: 'keys', label: 'Keys', to: '/console/settings?tab=keys' },
  { id: 'server', label: 'Server', to: '/console/settings?tab=server' },
] as const
const PARTS = { you: You, sessions: Sessions, keys: KeyList, server: Server }

/** The person, the people and programs beside, and the server. */
export default function Settings() {
  const tab = wordIn(
    place.value.query.get('tab'),
    TABS.map(({ id }) => id),
    'you',
  )
  const Part = PARTS[tab]
  return (
    <>
      <h1>Settings</h1>
      <Tabs label="Settings" tabs={TABS} current={tab} />
      <Part />
    </>
  )
}
