import type { Schema } from './types.ts'

/** What is known of a device that is to be named. */
export type NamedDevice = Pick<Schema<'Device'>, 'id'> &
  Partial<Pick<Schema<'Device'>, 'device_name' | 'model_name' | 'product_name' | 'serial_number'>>

const LONGEST = 60
/** A UDID has 25 signs or more. Apple’s newer ones all begin with the number of their chip. */
const LONG_ID = 20

/**
 * What a device is called, the same on each screen: its own name, else its model with the end of its serial
 * number, else its serial number, else its id, shortened. Devices write these texts: signs that turn the
 * direction of what follows are left out (Unicode Standard Annex 9), and so are line ends.
 */
export function deviceName(device: NamedDevice): string {
  const { id, device_name: name, serial_number: serial } = device
  const model = plain(device.model_name) || plain(device.product_name)
  const short = id.length > LONG_ID ? `${id.slice(0, 8)}…${id.slice(-4)}` : id
  return (
    plain(name) ||
    (model && serial ? `${model} ${plain(serial).slice(-4)}` : plain(serial) || short)
  )
}

function plain(text: string | null | undefined): string {
  const clean = (text ?? '').replace(/[\p{Cc}\u061C\u200E\u200F\u202A-\u202E\u2066-\u2069]/gu, '')
  const signs = Array.from(clean.trim())
  return signs.length > LONGEST ? `${signs.slice(0, LONGEST).join('')}…` : signs.join('')
}

export type NameOf = (device: NamedDevice) => string
