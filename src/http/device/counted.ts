import { count } from '../../figures/count.ts'
import { MDM_PATHS } from '../paths.ts'

/**
 * Counts a request of a device by its answer. The path or the content type tells check-ins from reports:
 * NanoMDM's profiles have one path for both.
 */
export function countDeviceRequest(
  req: { readonly path: string; header(name: string): string | undefined },
  status: number,
): void {
  if (MDM_PATHS.includes(req.path)) {
    const isCheckin = `${req.path} ${req.header('content-type') ?? ''}`.includes('checkin')
    count('device_requests_total', {
      kind: isCheckin ? 'checkin' : 'connect',
      code: String(status),
    })
  }
}
