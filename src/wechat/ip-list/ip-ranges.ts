import ipaddr from 'ipaddr.js';
import { isIP } from 'node:net';

/**
 * Arithmetic of IP lists: pure functions on addresses as numbers.
 *
 * An IPv4 address written as IPv6 (`::ffff:1.2.3.4`, which a dual-stack socket shows) is that IPv4
 * address, here and in entries.
 */

/** An entry of a list: the addresses from `first` to `last`, both included. */
export interface IpRange {
  /** As WeChat wrote it, such as `101.226.103.0/25`. */
  readonly entry: string;
  readonly version: 4 | 6;
  readonly first: bigint;
  readonly last: bigint;
}

interface IpAddress {
  readonly version: 4 | 6;
  readonly value: bigint;
}

const BITS = { 4: 32, 6: 128 } as const;
const ENTRY = /^([^/]+)(?:\/(0|[1-9]\d{0,2}))?$/;

export function isAddress(text: string): boolean {
  return parseAddress(text) !== undefined;
}

/**
 * The ranges that WeChat's entries stand for: none twice, in numeric order, IPv4 before IPv6, and of two
 * that begin alike the wider first.
 * @returns what is neither an address nor a CIDR in `dropped`
 */
export function toRanges(entries: readonly unknown[]): { ranges: IpRange[]; dropped: unknown[] } {
  const ranges = new Map<string, IpRange>();
  const dropped: unknown[] = [];
  for (const entry of entries) {
    const range = typeof entry === 'string' ? parseRange(entry) : undefined;
    if (range === undefined) {
      dropped.push(entry);
      continue;
    }
    const key = `${range.version} ${range.first} ${range.last}`;
    ranges.set(key, ranges.get(key) ?? range);
  }
  return { ranges: [...ranges.values()].sort(inNumericOrder), dropped };
}

/** The narrowest range that holds the address; undefined when none does, or when it is no address. */
export function narrowestRange(ranges: readonly IpRange[], ip: string): IpRange | undefined {
  const address = parseAddress(ip);
  return address && ranges.filter((range) => holds(range, address)).sort(narrowerFirst)[0];
}

/** Without leniency: `127.1`, `010.0.0.1` and `fe80::1%eth0` are no addresses here. */
function parseAddress(text: string): IpAddress | undefined {
  if (isIP(text) === 0 || text.includes('%')) {
    return undefined;
  }
  const address = ipaddr.process(text);
  const hex = Buffer.from(address.toByteArray()).toString('hex');
  return { version: address.kind() === 'ipv4' ? 4 : 6, value: BigInt(`0x${hex}`) };
}

function parseRange(entry: string): IpRange | undefined {
  const [, host = '', length] = ENTRY.exec(entry) ?? [];
  const address = parseAddress(host);
  if (address === undefined) {
    return undefined;
  }
  const writtenBits = host.includes(':') ? BITS[6] : BITS[4];
  const hostBits = writtenBits - Number(length ?? writtenBits);
  if (hostBits < 0 || hostBits > BITS[address.version]) {
    return undefined;
  }
  const size = 1n << BigInt(hostBits);
  const first = address.value - (address.value % size);
  return { entry, version: address.version, first, last: first + size - 1n };
}

function holds(range: IpRange, { version, value }: IpAddress): boolean {
  return range.version === version && range.first <= value && value <= range.last;
}

function inNumericOrder(a: IpRange, b: IpRange): number {
  return a.version - b.version || sign(a.first - b.first) || sign(b.last - a.last);
}

function narrowerFirst(a: IpRange, b: IpRange): number {
  return sign(a.last - a.first - (b.last - b.first));
}

function sign(difference: bigint): number {
  return difference === 0n ? 0 : difference < 0n ? -1 : 1;
}
