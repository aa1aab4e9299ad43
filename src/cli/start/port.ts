import { createServer } from 'node:net'
import { CliError, messageOf } from '../error.ts'

/**
 * The port to listen on: a free one for 0. The Worker must know its own address before it starts. `flag`
 * names the source of the port.
 */
export function claimPort(host: string, port: number, flag = '--port'): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', (error) => reject(new CliError(explain(error, { host, port, flag }))))
    server.listen({ host, port, exclusive: true }, () => {
      const address = server.address()
      const claimed = typeof address === 'object' && address !== null ? address.port : port
      server.close(() => resolve(claimed))
    })
  })
}

function explain(
  error: Error,
  { host, port, flag }: { host: string; port: number; flag: string },
): string {
  const code = 'code' in error ? error.code : undefined
  switch (code) {
    case 'EADDRINUSE':
      return `port ${port} of ${host} is in use: choose another with ${flag}`
    case 'EACCES':
      return `port ${port} of ${host} needs more rights than we have: choose another with ${flag}`
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return `${host} is no address of this machine: choose another with --host`
    default:
      return `cannot listen on ${host}:${port}: ${messageOf(error)}`
  }
}
