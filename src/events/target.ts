/** Judges a webhook's URL: unless the operator allows more, it must lead to the public internet. */

/**
 * Names that are not in public DNS: of this machine and of private networks (RFC 6761, RFC 6762 with its
 * appendix G, RFC 8375, ICANN's `internal`), of clusters, and those reserved never to lead anywhere (RFC
 * 2606, RFC 7686, RFC 9476).
 */
const RESERVED_NAMES = new RegExp(
  '(^|\\.)(localhost|localdomain|local|lan|home|home\\.arpa|corp|internal|intranet|mail|private|svc|' +
    'alt|example|invalid|onion|test)$',
)
/** The longest name of DNS (RFC 1035 §2.3.4), with a dot at its end. */
const MAX_NAME = 254

/** An address, and how many of its first bits make a network. */
type Network = readonly [address: number, bits: number]

/**
 * IPv4 networks that IANA's registry of special-purpose addresses does not call globally reachable, and
 * multicast.
 */
const RESERVED_V4: readonly Network[] = [
  [0x00_00_00_00, 8],
  [0x0a_00_00_00, 8],
  [0x64_40_00_00, 10],
  [0x7f_00_00_00, 8],
  [0xa9_fe_00_00, 16],
  [0xac_10_00_00, 12],
  [0xc0_00_00_00, 24],
  [0xc0_00_02_00, 24],
  [0xc0_58_63_00, 24],
  [0xc0_a8_00_00, 16],
  [0xc6_12_00_00, 15],
  [0xc6_33_64_00, 24],
  [0xcb_00_71_00, 24],
  [0xe0_00_00_00, 3],
]
/**
 * The same for IPv6 within 2000::/3, by its first 32 bits. Protocol assignments (2001::/23) hold Teredo,
 * and no receivers.
 */
const RESERVED_V6: readonly Network[] = [
  [0x20_01_00_00, 23],
  [0x20_01_0d_b8, 32],
  [0x20_02_00_00, 16],
  [0x3f_ff_00_00, 20],
]

/**
 * Why a URL is not posted to, and what to do instead; `undefined` when it may be. Names are not resolved:
 * only the DNS of a public name's owner knows where it leads.
 */
export function refuseTarget(url: string): string | undefined {
  const { hostname } = new URL(url)
  if (hostname.length > MAX_NAME) {
    return `a host name of ${hostname.length} characters leads nowhere: DNS has none of more than 253`
  }
  return isReserved(hostname)
    ? `${hostname} is not on the internet but on a private network, on this machine or reserved, ` +
        'and a deployed Worker does not reach it: give the receiver a public name, for instance by ' +
        'a cloudflared tunnel (docs/webhooks.md), or set ALLOW_PRIVATE_WEBHOOKS=true'
    : undefined
}

/** Whether data that is encrypted on its way to the one URL would be in clear on its way to the other. */
export function isDowngrade(from: URL, to: URL): boolean {
  return from.protocol === 'https:' && to.protocol === 'http:'
}

/** `hostname` as the URL parser writes it: IPv4 in four decimal parts, IPv6 in brackets and lower case. */
function isReserved(hostname: string): boolean {
  if (hostname.startsWith('[')) {
    return isReservedV6(groupsOf(hostname.slice(1, -1)))
  }
  // Resolvers may ignore dots at the end of a name.
  const name = hostname.replace(/\.+$/, '')
  if (/^\d+\.\d+\.\d+\.\d+$/.test(name)) {
    return isIn(RESERVED_V4, numberOf(name.split('.').map(Number), 256))
  }
  return !name.includes('.') || RESERVED_NAMES.test(name)
}

/**
 * Outside of 2000::/3 there is no public internet (RFC 4291 §2.4), except IPv4 behind a prefix for it. That
 * counts as itself.
 */
function isReservedV6(groups: readonly number[]): boolean {
  const prefix = groups.slice(0, 6).map((group) => group.toString(16))
  const isMapped = prefix.join(':') === '0:0:0:0:0:ffff'
  const isTranslated = prefix.join(':') === '64:ff9b:0:0:0:0'
  if (isMapped || isTranslated) {
    return isIn(RESERVED_V4, numberOf(groups.slice(6), 0x1_00_00))
  }
  const [first = 0] = groups
  return first >> 13 !== 1 || isIn(RESERVED_V6, numberOf(groups.slice(0, 2), 0x1_00_00))
}

/** The eight numbers of an IPv6 address. */
function groupsOf(address: string): number[] {
  const [head = '', tail] = address.split('::')
  const front = head.split(':').filter(Boolean)
  const back = tail?.split(':').filter(Boolean) ?? []
  const zeros = Array.from({ length: 8 - front.length - back.length }, () => '0')
  return [...front, ...zeros, ...back].map((group) => Number.parseInt(group, 16))
}

function numberOf(parts: readonly number[], base: number): number {
  return parts.reduce((sum, part) => sum * base + part, 0)
}

function isIn(networks: readonly Network[], address: number): boolean {
  return networks.some(([network, bits]) => {
    const size = 2 ** (32 - bits)
    return address >= network && address < network + size
  })
}
