import { expect, it } from 'vitest'
import { DEPLOY_HELP, deployLine, readDeployOrder } from '../../../../src/cli/deploy/arguments.ts'

const read = (line: string, env = {}) => readDeployOrder(line.split(' ').filter(Boolean), env)

it('every flag is in the help', () => {
  for (const flag of [
    'name',
    'host',
    'account',
    'push-cert',
    'secrets',
    'dry-run',
    'ci',
    'no-wait',
  ]) {
    expect(DEPLOY_HELP).toContain(`--${flag}`)
  }
  expect(DEPLOY_HELP.split('\n').every(({ length }) => length <= 110)).toBe(true)
  expect(read('-h')).toEqual({ help: true })
})

it('CI answers yes, waits for no device, and takes the name that Cloudflare gives', () => {
  const env = { WRANGLER_CI_OVERRIDE_NAME: 'renamed' }
  expect(read('--ci', env)).toMatchObject({ ci: true, yes: true, wait: false, name: 'renamed' })
  expect(read('--ci --name mine', env)).toMatchObject({ name: 'mine' })
  expect(read('', env)).toMatchObject({ name: undefined, yes: false, wait: true })
})

it('Workers Builds is CI by itself, with the name of the Worker that it builds', () => {
  const env = { WORKERS_CI: '1', WRANGLER_CI_OVERRIDE_NAME: 'renamed' }
  expect(read('', env)).toMatchObject({ ci: true, builds: true, yes: true, name: 'renamed' })
  expect(read('--ci', {})).toMatchObject({ ci: true, builds: false })
})

it('the doctor is called unless it is refused', () => {
  expect([read('', {}), read('--no-doctor')]).toMatchObject([{ doctor: true }, { doctor: false }])
})

it('a host is a name, however it is written', () => {
  expect(read('--host https://MDM.Example.com/')).toMatchObject({ host: 'mdm.example.com' })
  for (const host of [
    'localhost',
    '10.0.0.1',
    'a b',
    'mdm.example.com/x',
    'x.y.workers.dev',
    'é.com',
  ]) {
    expect(() => readDeployOrder(['--host', host], {})).toThrow('--host')
  }
})

it('a name is a label, with room for the name of its queue', () => {
  expect(read('--name acme-2')).toMatchObject({ name: 'acme-2' })
  for (const name of ['-a', 'a-', 'A', 'a_b', 'a.b', 'x'.repeat(57)]) {
    expect(() => readDeployOrder([`--name=${name}`], {})).toThrow('--name')
  }
})

it('the line that follows a dry run has its flags, and what was answered at the terminal', () => {
  const line = (args: readonly string[], name = 'edgemdm', host?: string) => {
    const order = readDeployOrder(args, {})
    return 'help' in order ? '' : deployLine(order, name, host)
  }
  expect(line(['--dry-run'])).toBe('npm run deploy')
  expect(line(['--dry-run', '--name', 'acme', '--settings', 'my file'], 'acme')).toBe(
    "npm run deploy -- --name acme --settings 'my file'",
  )
  expect(line(['--dry-run'], 'acme', 'mdm.example.com')).toBe(
    'npm run deploy -- --name acme --host mdm.example.com',
  )
})

it('lines that cannot be meant are refused', () => {
  expect(() => read('--push-key k')).toThrow('--push-cert')
  expect(() => read('--nmae x')).toThrow('--help lists the options')
  expect(() => read('mdm.example.com', { npm_config_host: 'true' })).toThrow(
    'npm run deploy -- --host mdm.example.com',
  )
})
