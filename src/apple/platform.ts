export const PLATFORMS = ['macOS', 'iOS', 'iPadOS', 'tvOS', 'watchOS', 'visionOS'] as const
export type Platform = (typeof PLATFORMS)[number]

/** The beginnings of Apple's product names, by platform. */
export const PRODUCTS: Readonly<Record<Platform, readonly string[]>> = {
  macOS: ['Mac', 'iMac', 'VirtualMac'],
  iOS: ['iPhone', 'iPod'],
  iPadOS: ['iPad'],
  tvOS: ['AppleTV'],
  watchOS: ['Watch'],
  visionOS: ['RealityDevice'],
}

/** The platform of a product name such as `iPad14,3`; undefined for a name that Apple does not use. */
export function platformOf(productName: string): Platform | undefined {
  return PLATFORMS.find((platform) =>
    PRODUCTS[platform].some((beginning) => productName.startsWith(beginning)),
  )
}
