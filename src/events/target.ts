/** What a webhook's URL must not lead to, unless the operator allows it: the Worker's own network. */

/** Names that mean this machine or a network of its own (RFC 6761, RFC 6762, RFC 8375, ICANN's `internal`). */
const PRIVATE_NAMES = /(^|\.)(localhost|local|internal|home\.arpa)$/
/** IPv4 networks that are not the internet's (RFC 6890), as first address and prefix length. */
const PRIVATE_V4: readonly (readonly [number, number])[] = [
  [0x00_00_00_00, 8],
  [0x0a_00_00_00, 8],
  [0x64_40_00_00, 10],
  [0x7f_00_00_00, 8],
  [0xa9_fe_00_00, 16],
  [0xac_10_00_00, 12],
  [0xc0_00_00_00, 24],
  [0xc0_a8_00_00, 16],
  [0xc6_12_00_00, 15],
  [0xe0_00_00_00, 3],
]

/**
 * Why a URL is not posted to, and what to do instead; `undefined` when it may be. Names are not resolved: what a name of the
 * internet leads to, only its owner's DNS knows.
 */
export function refuseTarget(url: string): string | undefined {
  const { hostname } = new URL(url)
  return isPrivate(hostname)
    ? `${hostname} is on a private network or this machine, where a deployed Worker reaches nobody: give the receiver a public name, for instance by a cloudflared tunnel (docs/webhooks.md), or set ALLOW_PRIVATE_WEBHOOKS=true`
    : undefined
}

/** `hostname` as the URL parser writes it: IPv4 in four decimal parts, IPv6 in brackets and lower case. */
function isPrivate(hostname: string): boolean {
  if (hostname.startsWith('[')) {
    return isPrivateV6(hostname.slice(1, -1))
  }
  // Who resolves a name may overlook dots behind it.
  const name = hostname.replace(/\.+$/, '')
  if (/^\d+\.\d+\.\d+\.\d+$/.test(name)) {
    return isPrivateV4(name.split('.').map(Number))
  }
  return !name.includes('.') || PRIVATE_NAMES.test(name)
}

function isPrivateV4(parts: readonly number[]): boolean {
  const address = parts.reduce((sum, part) => sum * 256 + part, 0)
  return PRIVATE_V4.some(([network, length]) => {
    const size = 2 ** (32 - length)
    return address >= network && address < network + size
  })
}

/** Of IPv6 only 2000::/3 is the internet (RFC 4291 §2.4); an IPv4 address inside counts as itself. */
function isPrivateV6(address: string): boolean {
  const [head = '', tail] = address.split('::')
  const front = head.split(':').filter(Boolean)
  const back = tail?.split(':').filter(Boolean) ?? []
  const zeros = Array.from({ length: 8 - front.length - back.length }, () => '0')
  const groups = [...front, ...zeros, ...back].map((group) => Number.parseInt(group, 16))
  const [first = 0, second = 0] = groups
  const low = groups.slice(6)
  const bytes = low.flatMap((group) => [group >> 8, group & 0xff])
  const isMapped = groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xff_ff
  const isTranslated = first === 0x64 && second === 0xff_9b
  if (isMapped || isTranslated) {
    return isPrivateV4(bytes)
  }
  if (first === 0x20_02) {
    return isPrivateV4([second >> 8, second & 0xff, (groups[2] ?? 0) >> 8, (groups[2] ?? 0) & 0xff])
  }
  return first >> 13 !== 1
}
