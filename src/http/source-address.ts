import ipaddr, { type IPv4, type IPv6 } from 'ipaddr.js';
import { isIP } from 'node:net';
import { rangeOf, type AddressRange } from '../config/address-range.js';

/** What is needed of a request; those of Fastify fit. */
export interface AddressedRequest {
  readonly ip?: string | undefined;
  /** From the connection's address back to the first one that is no trusted proxy; absent without proxies. */
  readonly ips?: string[] | undefined;
}

type Address = IPv4 | IPv6;

const UNKNOWN = 'unknown';
/** Of an IPv6 address, what belongs to one customer; the rest he chooses as he likes. */
const IPV6_GROUP_BITS = 64;

/**
 * Whether an address is one of the proxies whose `X-Forwarded-For` counts, as Fastify's `trustProxy`
 * asks: `request.ip` is then the first address from the right that is no proxy of ours.
 * @param proxies addresses and CIDRs that the configuration has checked
 */
export function trustOnly(proxies: readonly string[]): (address: string | undefined) => boolean {
  const ranges = proxies.map(rangeOf);
  return (text) => {
    const address = parseHop(text);
    return address !== undefined && ranges.some((range) => isWithin(address, range));
  };
}

/**
 * From the connection's address back to the first one that is not a proxy of ours, as Fastify makes `request.ips`.
 * @param forwardedFor `X-Forwarded-For`
 */
export function hopsOf(
  remoteAddress: string | undefined,
  forwardedFor: string | undefined,
  isProxy: (address: string | undefined) => boolean,
): string[] {
  const hops = [remoteAddress ?? ''];
  const forwarded = forwardedFor?.split(',').map((hop) => hop.trim()) ?? [];
  while (forwarded.length > 0 && isProxy(hops.at(-1))) {
    hops.push(forwarded.pop() ?? '');
  }
  return hops;
}

/**
 * Where a request came from, for the audit and the limits: always an address in its canonical form,
 * IPv4 where IPv6 carried it. What a proxy passed on and is no address does not count: then it is the
 * nearest address that is one.
 */
export function sourceAddress({ ip, ips }: AddressedRequest): string {
  const hops = ips ?? [ip];
  return (
    hops
      .map(parseHop)
      .findLast((hop) => hop !== undefined)
      ?.toString() ?? UNKNOWN
  );
}

/** What counts as one source: an IPv4 address, or the /64 that an IPv6 address is in. */
export function addressGroup(address: string): string {
  const parsed = parseHop(address);
  if (parsed === undefined || parsed instanceof ipaddr.IPv4) {
    return address;
  }
  const network = ipaddr.IPv6.networkAddressFromCIDR(
    `${parsed.toNormalizedString().replace(/%.*/, '')}/${IPV6_GROUP_BITS}`,
  );
  return `${network.toString()}/${IPV6_GROUP_BITS}`;
}

/** A flood of addresses is parsed again rather than remembered. */
const MOST_GROUPS = 10_000;

/** {@link addressGroup} of where requests come from. Remembers what it parsed: it is asked at every read. */
export class AddressGroups {
  private readonly groups = new Map<string, string>();

  of(request: AddressedRequest): string {
    const farthest = request.ips?.at(-1) ?? request.ip ?? UNKNOWN;
    return this.groups.get(farthest) ?? this.learn(farthest, request);
  }

  private learn(farthest: string, request: AddressedRequest): string {
    const group = addressGroup(sourceAddress(request));
    // Text that is not an address was skipped for another hop, which may differ next time.
    if (parseHop(farthest) !== undefined) {
      if (this.groups.size >= MOST_GROUPS) {
        this.groups.clear();
      }
      this.groups.set(farthest, group);
    }
    return group;
  }
}

/** Some proxies write the port beside the address: `192.0.2.7:4711`, `[2001:db8::1]:4711`. */
function parseHop(text: string | undefined): Address | undefined {
  const bare = text?.replace(/^\[(.*)\](?::\d+)?$/, '$1').replace(/^([\d.]+):\d+$/, '$1') ?? '';
  // ipaddr.js alone would take "1" and "0x7f.1" as well.
  return isIP(bare) === 0 ? undefined : ipaddr.process(bare);
}

function isWithin(address: Address, [network, bits]: AddressRange): boolean {
  return address.kind() === network.kind() && address.match(network, bits);
}
