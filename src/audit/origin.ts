import type { FastifyRequest } from 'fastify';
import { sourceAddress } from '../http/source-address.js';

const LONGEST_ADDRESS = 64;

/** Who asked for something, and from where. */
export interface Origin {
  /** `admin`, or the id of a client. */
  readonly actor: string;
  readonly source: string;
  readonly requestId: string;
}

export function originOf(request: FastifyRequest, actor: string): Origin {
  // An address may carry the name of a network interface (RFC 4007), which may be of any length.
  return { actor, source: sourceAddress(request).slice(0, LONGEST_ADDRESS), requestId: request.id };
}
