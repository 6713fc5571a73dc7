import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { isAddress, narrowestRange, toRanges } from './ip-ranges.js';

const entriesOf = (entries: string[]): string[] =>
  toRanges(entries).ranges.map(({ entry }) => entry);

const match = (entries: string[], ip: string): string | undefined =>
  narrowestRange(toRanges(entries).ranges, ip)?.entry;

describe('isAddress', () => {
  it.each(['1.2.3.4', '0.0.0.0', '255.255.255.255', '::1', '2001:DB8::1', '::ffff:1.2.3.4'])(
    'takes %s',
    (text) => {
      expect(isAddress(text)).toBe(true);
    },
  );

  it.each(['', ' 1.2.3.4', '1.2.3', '127.1', '1', '0x7f.0.0.1', '010.0.0.1', '1.2.3.256'])(
    'refuses "%s"',
    (text) => {
      expect(isAddress(text)).toBe(false);
    },
  );

  it.each(['1.2.3.4/32', '1.2.3.4:80', '[::1]', 'fe80::1%eth0', '1:2:3', 'weixin.qq.com'])(
    'refuses "%s"',
    (text) => {
      expect(isAddress(text)).toBe(false);
    },
  );
});

describe('toRanges', () => {
  it('sorts by number, IPv4 before IPv6, the wider of two that begin alike first', () => {
    const entries = ['::2', '101.1.1.1', '9.9.9.9', '::1', '10.0.0.0/24', '10.0.0.0', '10.0.0.0/8'];
    expect(entriesOf(entries)).toEqual([
      '9.9.9.9',
      '10.0.0.0/8',
      '10.0.0.0/24',
      '10.0.0.0',
      '101.1.1.1',
      '::1',
      '::2',
    ]);
  });

  it('keeps the first spelling of a range that is written in several ways', () => {
    expect(entriesOf(['10.0.0.7/24', '10.0.0.0/24', '1.2.3.4/32', '1.2.3.4'])).toEqual([
      '1.2.3.4/32',
      '10.0.0.7/24',
    ]);
    expect(entriesOf(['2001:DB8::1', '2001:db8:0::1', '::ffff:1.2.3.4', '1.2.3.4'])).toEqual([
      '::ffff:1.2.3.4',
      '2001:DB8::1',
    ]);
  });

  it('drops what is neither an address nor a CIDR, and says so', () => {
    const odd = ['weixin.qq.com', '1.2.3.4/33', '1.2.3.4/', '1.2.3.4/8/8', '::/129', '1.2.3.4/08'];
    expect(toRanges([...odd, '1.2.3.4'])).toEqual({
      ranges: [{ entry: '1.2.3.4', version: 4, first: 0x01020304n, last: 0x01020304n }],
      dropped: odd,
    });
  });

  it('drops a mapped CIDR that is wider than all of IPv4', () => {
    expect(toRanges(['::ffff:1.2.3.4/95']).dropped).toEqual(['::ffff:1.2.3.4/95']);
    expect(toRanges(['::ffff:1.2.3.4/96']).ranges).toEqual([
      { entry: '::ffff:1.2.3.4/96', version: 4, first: 0n, last: 0xffffffffn },
    ]);
  });
});

describe('narrowestRange', () => {
  it('holds the first and the last address of a CIDR, and not their neighbours', () => {
    const entries = ['101.226.103.0/25'];
    expect(match(entries, '101.226.103.0')).toBe('101.226.103.0/25');
    expect(match(entries, '101.226.103.127')).toBe('101.226.103.0/25');
    expect(match(entries, '101.226.102.255')).toBeUndefined();
    expect(match(entries, '101.226.103.128')).toBeUndefined();
  });

  it('prefers the narrowest of several, as WeChat wrote it', () => {
    const entries = ['10.0.0.0/8', '10.1.2.3', '10.1.0.0/16', '10.1.2.200/24'];
    expect(match(entries, '10.1.2.3')).toBe('10.1.2.3');
    expect(match(entries, '10.1.2.4')).toBe('10.1.2.200/24');
    expect(match(entries, '10.1.3.4')).toBe('10.1.0.0/16');
    expect(match(entries, '10.2.3.4')).toBe('10.0.0.0/8');
  });

  it('takes an IPv4 address that is written as IPv6 for what it is', () => {
    expect(match(['1.2.3.0/24'], '::ffff:1.2.3.4')).toBe('1.2.3.0/24');
    expect(match(['1.2.3.0/24'], '::FFFF:102:304')).toBe('1.2.3.0/24');
    expect(match(['::ffff:1.2.3.0/120'], '1.2.3.4')).toBe('::ffff:1.2.3.0/120');
  });

  it('never takes the one family for the other', () => {
    expect(match(['::/0'], '1.2.3.4')).toBeUndefined();
    expect(match(['0.0.0.0/0'], '::1')).toBeUndefined();
    expect(match(['0.0.0.1'], '::1')).toBeUndefined();
  });

  it('finds nothing for what is no address', () => {
    expect(match(['0.0.0.0/0', '::/0'], 'weixin.qq.com')).toBeUndefined();
  });

  it.each([
    { family: 'IPv4', size: 32, write: dotted },
    { family: 'IPv6', size: 128, write: colons },
  ])('agrees with a comparison of the bits: $family', ({ size, write }) => {
    // An IPv6 address that begins with a 1 is no IPv4 one in disguise.
    const bits = fc
      .array(fc.boolean(), { minLength: size, maxLength: size })
      .map(([first = false, ...rest]) => [first || size === 128, ...rest]);
    // Bits are changed around the end of the prefix, where it matters.
    const flips = fc.array(fc.boolean(), { maxLength: 8 });
    const length = fc.integer({ min: 5, max: size });
    fc.assert(
      fc.property(bits, length, flips, (network, prefix, changes) => {
        const asked = network.map((bit, at) => bit !== (changes[at - prefix + 4] ?? false));
        const isInside = asked.slice(0, prefix).join() === network.slice(0, prefix).join();
        const entry = `${write(network)}/${prefix}`;
        expect(match([entry], write(asked))).toBe(isInside ? entry : undefined);
      }),
    );
  });
});

function dotted(bits: boolean[]): string {
  return words(bits, 8).join('.');
}

function colons(bits: boolean[]): string {
  return words(bits, 16)
    .map((word) => word.toString(16))
    .join(':');
}

function words(bits: boolean[], width: number): number[] {
  return Array.from({ length: bits.length / width }, (_, word) =>
    bits.slice(word * width, (word + 1) * width).reduce((sum, bit) => sum * 2 + Number(bit), 0),
  );
}
