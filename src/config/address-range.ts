import ipaddr, { type IPv4, type IPv6 } from 'ipaddr.js';

export type AddressRange = [IPv4 | IPv6, number];

const MAPPED_BITS = 96;
/** All unicast IPv4, and the part of IPv6 from which global addresses are given out (RFC 4291, 2.4). */
const EVERYBODY = [
  { kind: 'ipv4', first: '0.0.0.0', last: '223.255.255.255' },
  { kind: 'ipv6', first: '2000::', last: '3fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff' },
] as const;

/**
 * Parses an address or a CIDR. IPv4 in its IPv6 form (`::ffff:192.0.2.1`) becomes IPv4.
 * @param text checked before
 */
export function rangeOf(text: string): AddressRange {
  if (!text.includes('/')) {
    const address = ipaddr.process(text);
    return [address, bitsOf(address)];
  }
  const [address, bits] = ipaddr.parseCIDR(text);
  return 'toIPv4Address' in address && address.isIPv4MappedAddress() && bits >= MAPPED_BITS
    ? [address.toIPv4Address(), bits - MAPPED_BITS]
    : [address, bits];
}

/** Whether these ranges, taken together, hold all public addresses of IPv4 or all of IPv6. */
export function holdEverybody(texts: readonly string[]): boolean {
  const ranges = texts.map(rangeOf);
  return EVERYBODY.some(({ kind, first, last }) => {
    const spans = ranges.filter(([address]) => address.kind() === kind).map(spanOf);
    return covers(spans, numberOf(ipaddr.parse(first)), numberOf(ipaddr.parse(last)));
  });
}

interface Span {
  readonly first: bigint;
  readonly last: bigint;
}

function covers(spans: readonly Span[], first: bigint, last: bigint): boolean {
  let next = first;
  for (const span of [...spans].sort((a, b) => (a.first < b.first ? -1 : 1))) {
    if (span.first <= next && span.last >= next) {
      next = span.last + 1n;
    }
  }
  return next > last;
}

function spanOf([address, bits]: AddressRange): Span {
  const hosts = BigInt(bitsOf(address) - bits);
  const first = (numberOf(address) >> hosts) << hosts;
  return { first, last: first + (1n << hosts) - 1n };
}

function numberOf(address: IPv4 | IPv6): bigint {
  return address.toByteArray().reduce((sum, byte) => (sum << 8n) + BigInt(byte), 0n);
}

function bitsOf(address: IPv4 | IPv6): number {
  return address.kind() === 'ipv4' ? 32 : 128;
}
