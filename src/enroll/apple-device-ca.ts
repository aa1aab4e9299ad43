/**
 * PEM of the CAs that Apple issues device certificates with. They are pinned, and Apple's root is not, because the root
 * vouches for every developer too; and a Mac embeds no more than its own certificate, so there is no way up to the root.
 *
 * None is built in as long as nobody has compared one with Apple's own (docs/unproven.md): until then an admin names it
 * in `APPLE_DEVICE_CA`, and without one no device enrols by ADE or OTA.
 */
export const APPLE_DEVICE_CAS: readonly string[] = []
