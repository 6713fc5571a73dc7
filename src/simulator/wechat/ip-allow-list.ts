import ipaddr from 'ipaddr.js';

type Address = ReturnType<typeof ipaddr.process>;

/**
 * Whether an entry can stand on WeChat's list: `1.2.3.4` or `1.2.3.4/24`; `1.2.3.*` for mini programs
 * alone; never a port.
 */
export function isAllowListEntry(entry: string, wildcards: boolean): boolean {
  return rangeOf(entry, wildcards) !== undefined;
}

/** An empty list allows everybody, as WeChat does where no list is set. */
export function isAllowed(ip: string, list: readonly string[]): boolean {
  if (list.length === 0) {
    return true;
  }
  const address = ipaddr.process(ip);
  return list.some((entry) => {
    const range = rangeOf(entry, true);
    return range?.[0].kind() === address.kind() && address.match(range);
  });
}

function rangeOf(entry: string, wildcards: boolean): [Address, number] | undefined {
  if (wildcards && entry.endsWith('.*')) {
    return rangeOf(`${entry.slice(0, -1)}0/24`, false);
  }
  if (ipaddr.isValidCIDR(entry)) {
    return ipaddr.parseCIDR(entry);
  }
  const isAddress = ipaddr.IPv4.isValidFourPartDecimal(entry) || ipaddr.IPv6.isValid(entry);
  if (!isAddress) {
    return undefined;
  }
  const address = ipaddr.process(entry);
  return [address, address.kind() === 'ipv4' ? 32 : 128];
}

/** A caller's address without the `::ffff:` that a dual-stack socket puts in front of IPv4. */
export function plainAddress(ip: string): string {
  return ipaddr.isValid(ip) ? ipaddr.process(ip).toString() : ip;
}
