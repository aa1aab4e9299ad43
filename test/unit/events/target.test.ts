import { expect, it } from 'vitest'
import { refuseTarget } from '../../../src/events/target.ts'

it.each([
  [
    'this machine',
    ['localhost:9999', 'hook.localhost', 'LOCALHOST.', 'localhost..', 'a.localdomain'],
  ],
  ['a name without a dot', ['receiver', 'receiver.', 'metadata']],
  [
    'a private name',
    [
      'mac-mini.local',
      'nas.lan',
      'hook.corp',
      'hook.home',
      'hook.home.arpa',
      'wiki.intranet',
      'hook.private',
      'hook.mail',
      'metadata.google.internal',
      'hook.default.svc',
      'hook.default.svc.cluster.local',
      'HOOK.Lan.',
    ],
  ],
  ['a reserved name', ['hook.test', 'hook.example', 'hook.invalid', 'hook.onion', 'hook.alt']],
  [
    'reserved IPv4',
    [
      '0.0.0.0',
      '10.1.2.3',
      '100.64.0.1',
      '100.127.255.255',
      '127.0.0.1',
      '127.0.0.1..',
      '169.254.169.254',
      '172.16.0.0',
      '172.31.255.255',
      '192.0.0.192',
      '192.0.2.1',
      '192.88.99.1',
      '192.168.0.1',
      '198.18.0.1',
      '198.19.255.255',
      '198.51.100.255',
      '203.0.113.1',
      '224.0.0.1',
      '240.0.0.1',
      '255.255.255.255',
    ],
  ],
  [
    'reserved IPv6',
    [
      '[::]',
      '[::1]',
      '[64:ff9b:1::8.8.8.8]',
      '[64:ff9b:0:0:1::8.8.8.8]',
      '[100::1]',
      '[100:0:0:1::1]',
      '[2001::1]',
      '[2001:0:4136:e378:8000:63bf:3fff:fdd2]',
      '[2001:2::1]',
      '[2001:10::1]',
      '[2001:1ff:ffff::1]',
      '[2001:db8::1]',
      '[2002:808:808::1]',
      '[3fff:fff::1]',
      '[4000::1]',
      '[5f00::1]',
      '[fc00::1]',
      '[fd00::1]',
      '[fe80::1]',
      '[fec0::1]',
      '[ff02::1]',
    ],
  ],
  [
    'IPv4 inside IPv6',
    [
      '[::ffff:127.0.0.1]',
      '[::ffff:192.0.2.1]',
      '[64:ff9b::10.0.0.1]',
      '[::10.0.0.1]',
      '[::8.8.8.8]',
    ],
  ],
  [
    'an address or a name in disguise',
    [
      '127.1',
      '2130706433',
      '0x7f000001',
      '0x7f.0.0.1',
      '0177.0.0.1',
      '017700000001',
      '127.0.0.1.',
      '127.0.0.0x1',
      '%31%32%37%2e0%2e0%2e1',
      '１２７.０.０.１',
      '127。0。0。1',
      '①27.0.0.1',
      'loc%61lhost',
      'ｌｏｃａｌｈｏｓｔ',
      'local\u00adhost',
      'ⓛocalhost',
      'hook。lan',
      'user:password@127.0.0.1',
      'example.com@127.0.0.1',
      'example.com:80@127.0.0.1:80',
      '127.0.0.1\\@example.com',
      '127.0.0.1#@example.com',
      '[0:0:0:0:0:0:0:1]',
      '[::7f00:1]',
      '[::FFFF:7F00:1]',
    ],
  ],
])('a webhook URL of %s is refused with advice', (_, hosts) => {
  for (const host of hosts) {
    expect(refuseTarget(`http://${host}/`), host).toMatch(/cloudflared.*ALLOW_PRIVATE_WEBHOOKS/)
  }
})

it('a zone is not accepted in a URL', () => {
  expect(URL.canParse('http://[fe80::1%25eth0]/')).toBe(false)
})

it('a webhook URL with a name that is too long for DNS is refused at once', () => {
  expect(refuseTarget(`http://${'.'.repeat(60_000)}a.com/`)).toMatch(/^a host name of 60005 /)
  expect(refuseTarget(`http://${'a.'.repeat(125)}com./`)).toBeUndefined()
})

it.each([
  'example.com',
  'localhost.example.com',
  'lan.example.com',
  'notlocal.com',
  'my-lan.de',
  'test.de.',
  'svc.io',
  '8.8.8.8',
  '11.0.0.0',
  '100.128.0.1',
  '172.32.0.1',
  '192.0.1.1',
  '192.31.196.1',
  '192.52.193.1',
  '192.175.48.1',
  '198.20.0.1',
  '203.0.114.1',
  '223.255.255.255',
  '[2001:200::1]',
  '[2001:db9::1]',
  '[2003::1]',
  '[2606:4700::1111]',
  '[3ffe::1]',
  '[::ffff:8.8.8.8]',
  '[64:ff9b::8.8.8.8]',
])('a webhook URL on %s may be posted to', (host) => {
  expect(refuseTarget(`https://${host}/hook`)).toBeUndefined()
})
