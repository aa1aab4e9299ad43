import { launchChromium } from '../console/browser.ts'

export interface Page {
  /** Resolves when the page of that address has loaded, whatever its status. */
  goto(url: string): Promise<unknown>
  /** The value of a script's expression in the page; promises are awaited. */
  evaluate<Value>(expression: string): Promise<Value>
  /** The addresses for which the browser would have asked for a user and a password, from now on. */
  prompts(): Promise<readonly string[]>
}

export interface Browser {
  /** A page with cookies and credentials of its own. */
  newPage(): Promise<Page>
  close(): Promise<void>
}

/** A browser without Playwright's answers to logins. `hosts` are names that lead to this machine. */
export async function startBrowser(...hosts: readonly string[]): Promise<Browser> {
  const rules = hosts.map((host) => `MAP ${host} 127.0.0.1`).join(',')
  const browser = await launchChromium([`--host-resolver-rules=${rules}`])
  return {
    async newPage() {
      const context = await browser.newContext()
      const page = await context.newPage()
      return {
        goto: (url) => page.goto(url),
        evaluate: (expression) => page.evaluate(expression),
        async prompts() {
          const asked: string[] = []
          const tools = await context.newCDPSession(page)
          // A page that is left takes its requests along.
          const left = (): undefined => undefined
          tools.on('Fetch.requestPaused', ({ requestId }) => {
            tools.send('Fetch.continueRequest', { requestId }).catch(left)
          })
          tools.on('Fetch.authRequired', ({ requestId, request }) => {
            asked.push(request.url)
            const authChallengeResponse = { response: 'CancelAuth' } as const
            tools.send('Fetch.continueWithAuth', { requestId, authChallengeResponse }).catch(left)
          })
          await tools.send('Fetch.enable', { handleAuthRequests: true })
          return asked
        },
      }
    },
    close: () => browser.close(),
  }
}
