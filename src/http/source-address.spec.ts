import { describe, expect, it } from '@jest/globals';
import { addressGroup, AddressGroups, sourceAddress, trustOnly } from './source-address.js';

describe('which proxies are trusted', () => {
  it.each([
    ['an address', '192.0.2.7', '192.0.2.7', true],
    ['its neighbour', '192.0.2.7', '192.0.2.8', false],
    ['one inside a CIDR', '10.0.0.0/8', '10.255.0.1', true],
    ['one outside', '10.0.0.0/8', '11.0.0.1', false],
    ['IPv4 as IPv6 carries it', '10.0.0.0/8', '::ffff:10.1.2.3', true],
    ['IPv4, where the CIDR is written as IPv6 carries it', '::ffff:10.0.0.0/104', '10.1.2.3', true],
    ['IPv4 outside such a CIDR', '::ffff:10.0.0.0/104', '11.1.2.3', false],
    [
      'IPv4, where the address is written as IPv6 carries it',
      '::ffff:192.0.2.7',
      '192.0.2.7',
      true,
    ],
    ['IPv6 inside a CIDR', '2001:db8::/32', '2001:db8:ffff::1', true],
    ['IPv6 outside', '2001:db8::/32', '2001:db9::1', false],
    ['IPv4 by a CIDR of IPv6', '2000::/3', '32.1.2.3', false],
    ['a proxy with its port', '10.0.0.0/8', '10.0.0.5:8080', true],
    ['a proxy of IPv6 with its port', '2001:db8::/32', '[2001:db8::5]:8080', true],
    ['what is no address', '0.0.0.0/1', '1', false],
    ['a host name', '10.0.0.0/8', 'proxy', false],
    ['nothing', '10.0.0.0/8', undefined, false],
  ])('%s', (_what, proxy, address, isTrusted) => {
    expect(trustOnly(['198.51.100.1', proxy])(address)).toBe(isTrusted);
  });
});

describe('the source address', () => {
  it.each([
    ['the connection’s, without proxies', { ip: '192.0.2.7' }, '192.0.2.7'],
    ['IPv4 where IPv6 carried it', { ip: '::ffff:192.0.2.7' }, '192.0.2.7'],
    ['IPv6 in its short form', { ip: '2001:0DB8:0:0::0001' }, '2001:db8::1'],
    ['the farthest that counts', { ips: ['10.0.0.1', '203.0.113.9'] }, '203.0.113.9'],
    ['without its port', { ips: ['10.0.0.1', '203.0.113.9:4711'] }, '203.0.113.9'],
    ['without its brackets', { ips: ['10.0.0.1', '[2001:db8::1]:4711'] }, '2001:db8::1'],
    ['the proxy’s, where it passed on no address', { ips: ['10.0.0.1', '<script>'] }, '10.0.0.1'],
    ['none, once the connection is gone', {}, 'unknown'],
  ])('is %s', (_what, request, address) => {
    expect(sourceAddress(request)).toBe(address);
  });
});

describe('one source', () => {
  it.each([
    ['192.0.2.7', '192.0.2.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::', '2001:db8:1:2::/64'],
    ['2001:db8:1:3::', '2001:db8:1:3::/64'],
    ['fe80::1%eth0', 'fe80::/64'],
    ['unknown', 'unknown'],
  ])('%s is of %s', (address, group) => {
    expect(addressGroup(address)).toBe(group);
  });
});

describe('the sources of requests', () => {
  it('are the same when they are asked for again', () => {
    const groups = new AddressGroups();
    for (let round = 0; round < 2; round += 1) {
      expect(groups.of({ ip: '::ffff:192.0.2.7' })).toBe('192.0.2.7');
      expect(groups.of({ ips: ['10.0.0.1', '2001:db8:1:2::9'] })).toBe('2001:db8:1:2::/64');
      expect(groups.of({})).toBe('unknown');
    }
  });

  it('are each proxy’s own, where proxies pass on the same words and no address', () => {
    const groups = new AddressGroups();
    expect(groups.of({ ips: ['10.0.0.1', 'unknown'] })).toBe('10.0.0.1');
    expect(groups.of({ ips: ['10.0.0.2', 'unknown'] })).toBe('10.0.0.2');
  });
});
