/** How Apple's product names begin, by platform. */
export const PRODUCTS = {
  macOS: ['Mac', 'iMac', 'VirtualMac'],
  iOS: ['iPhone', 'iPod'],
  iPadOS: ['iPad'],
  tvOS: ['AppleTV'],
  watchOS: ['Watch'],
  visionOS: ['RealityDevice'],
} as const

export type Platform = keyof typeof PRODUCTS
export const PLATFORMS = Object.keys(PRODUCTS).filter((name): name is Platform => name in PRODUCTS)

/** The platform of a product name such as `iPad14,3`; undefined for one that is none of Apple's. */
export function platformOf(productName: string): Platform | undefined {
  return PLATFORMS.find((platform) =>
    PRODUCTS[platform].some((beginning) => productName.startsWith(beginning)),
  )
}
