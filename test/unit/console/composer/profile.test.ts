import { expect, it } from 'vitest'
import { profileFacts } from '../../../../src/console/composer/profile.ts'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

it('reads names as they are meant, and none out of what is no profile', () => {
  const facts = profileFacts(
    bytes(`<plist><dict><key>PayloadDisplayName</key><string>Ada &amp; Ben&apos;s &lt;Wi-Fi&gt;</string>
      <key>PayloadIdentifier</key><string>com.example.&amp;lt;</string></dict></plist>`),
  )
  expect(facts).toMatchObject({ name: "Ada & Ben's <Wi-Fi>", identifier: 'com.example.&lt;' })
  expect(profileFacts(bytes('no profile'))).toBeUndefined()
})
