import type { DoctorCheck } from '../check.ts'
import { checkAdminAuth } from './admin-auth.ts'
import { checkClock } from './clock.ts'
import { checkDeviceRoutes, checkRedirects } from './device-routes.ts'
import { checkEnrolment } from './enrolment.ts'
import { checkLargeMessages } from './large-messages.ts'
import { checkReachable, checkVersion } from './reachable.ts'
import { checkScep } from './scep.ts'
import { checkTls } from './tls.ts'

/** What anyone can see of a server, and the ways of devices. */
export const OUTSIDE_CHECKS: readonly DoctorCheck[] = [
  {
    number: 1,
    id: 'reachable',
    title: 'the server answers, and has an owner',
    needs: 'nothing',
    run: checkReachable,
  },
  {
    number: 2,
    id: 'tls',
    title: 'TLS is as devices need it',
    needs: 'nothing',
    isCloudOnly: true,
    run: checkTls,
  },
  {
    number: 3,
    id: 'clock',
    title: 'the clocks agree',
    needs: 'server',
    run: checkClock,
  },
  {
    number: 4,
    id: 'device-routes',
    title: 'the server itself answers on device routes',
    needs: 'server',
    run: checkDeviceRoutes,
  },
  {
    number: 5,
    id: 'redirects',
    title: 'no device route is redirected',
    needs: 'server',
    run: checkRedirects,
  },
  {
    number: 6,
    id: 'large-messages',
    title: 'large signatures and inventories arrive',
    needs: 'server',
    run: checkLargeMessages,
  },
  {
    number: 8,
    id: 'admin-auth',
    title: 'no admin call without a key is answered',
    needs: 'server',
    run: checkAdminAuth,
  },
  {
    number: 10,
    id: 'enrolment',
    title: 'new devices get a profile that leads here',
    needs: 'key',
    run: checkEnrolment,
  },
  {
    number: 11,
    id: 'scep',
    title: 'devices get an identity',
    needs: 'key',
    run: checkScep,
  },
  {
    number: 26,
    id: 'version',
    title: 'the server has the release of this folder',
    needs: 'server',
    isCloudOnly: true,
    run: checkVersion,
  },
]
