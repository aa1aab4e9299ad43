/** Property lists in XML as text, with any faults in it. */
export const string = (text: string): string => `<string>${text}</string>`

export const entry = (key: string, text: string): string => `<key>${key}</key>${string(text)}`

/** A dictionary of entries; a character of the text is a byte of the document. */
export const xmlOf = (entries: string, doctype = ''): Uint8Array =>
  Buffer.from(
    `<?xml version="1.0"?>${doctype}<plist version="1.0"><dict>${entries}</dict></plist>`,
    'latin1',
  )

/** {@link xmlOf} for values that are XML themselves. */
export const xmlWith = (values: Readonly<Record<string, string>>): Uint8Array =>
  xmlOf(
    Object.entries(values)
      .map(([key, value]) => `<key>${key}</key>${value}`)
      .join(''),
  )
