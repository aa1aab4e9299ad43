import { FaultNote, Loading } from '../kit/states.tsx'
import { Toasts } from '../kit/toast.tsx'
import { personIn, readSession, sessionState } from '../api/session.ts'
import { OfflineBar } from './connection.tsx'
import { Navigation } from './navigation/navigation.tsx'
import { Overlays } from './overlays.tsx'
import { Screen } from './screen.tsx'
import { SignIn } from './sign-in.tsx'

/** The whole page: the session first, then the screen of the address. */
export function App() {
  const state = sessionState.value
  if (state.kind === 'unknown') {
    return <Loading />
  }
  if (state.kind === 'failed') {
    return (
      <main class="alone">
        <h1>EdgeMDM</h1>
        <FaultNote fault={state.fault} again={() => void readSession()} />
      </main>
    )
  }
  const was = state.kind === 'signed_out' ? state.was : state.session
  return (
    <>
      {was && (
        // Another person gets a new page: dialogs and fields of the last one go.
        <div class="frame" key={personIn(state)}>
          <a class="skip" href="#main">
            Skip to the content
          </a>
          <Navigation session={was} />
          <div class="page">
            <OfflineBar />
            <main id="main" tabIndex={-1}>
              <Screen />
            </main>
          </div>
          <Overlays who={was.who} />
        </div>
      )}
      {state.kind === 'signed_out' && <SignIn was={was} />}
      <Toasts />
    </>
  )
}
