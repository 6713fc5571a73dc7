/** How many addresses of a host may each have their full time, one after the other. */
const ADDRESSES = 3;

/**
 * How long one address of a host may take to connect before Node tries the host's next one: a share of the time for
 * the whole. Node's own limit is 250 ms for each, which no handshake meets between continents or over a slow line:
 * every address would be given up, and the host never be reached (nodejs/node #54359). The last address has all the
 * time that is left.
 *
 * @param limitMs the time for the whole connection, or for the call that it is for
 */
export function addressLimitMs(limitMs: number): number {
  return Math.ceil(limitMs / ADDRESSES);
}
