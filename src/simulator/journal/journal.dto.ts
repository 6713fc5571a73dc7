import { z } from 'zod';
import { closedObject } from '../control/closed-object.js';
import type { FaultKind } from '../faults/fault.dto.js';
import type { TokenFamily } from '../wechat/token-ledger.js';

/**
 * One call, without a secret or a token in clear.
 *
 * Two calls overlapped if each one's `start_order` lies before the other's `end_order`: the orders count
 * every start and every end, so they hold where two events share a millisecond.
 */
export interface JournalEntry {
  /** 1, 2, 3, … over the life of the simulator; a reset does not start it anew. */
  readonly seq: number;
  /** Simulated time. */
  readonly started_at: string;
  readonly ended_at: string | null;
  readonly start_order: number;
  readonly end_order: number | null;
  readonly method: string;
  readonly path: string;
  /** Behind the question mark, byte for byte, save that each credential is its tag in brackets. */
  readonly raw_query: string;
  readonly query_keys: string[];
  /** All that came, names in lower case; those that carry a credential have its tag in brackets. */
  readonly headers: Readonly<Record<string, string>>;
  /** How many bytes of a body came. */
  readonly body_bytes: number;
  /** Hexadecimal; null where there is no body, or where not all of it came. */
  readonly body_sha256: string | null;
  readonly app_id: string | null;
  readonly caller_ip: string;
  /** Minted over the control interface, in the place of another party. */
  readonly foreign: boolean;
  /** `cut`: a fault broke the connection. `client_left`: it went away before the answer. */
  readonly outcome: 'in_flight' | 'answered' | 'cut' | 'client_left';
  /** The HTTP status that was sent, or null where none was. */
  readonly status: number | null;
  /** WeChat's verdict, 0 for success, even where the caller never saw it; null where it came to none. */
  readonly errcode: number | null;
  readonly fault: FaultKind | null;
  /** Whether the call asked for `force_refresh`. */
  readonly forced: boolean;
  /** The token that the call brought. */
  readonly token_tag: string | null;
  /** The token that the call was to get. */
  readonly issued: JournaledToken | null;
}

export interface JournaledToken {
  readonly tag: string;
  readonly family: TokenFamily;
  readonly number: number;
  /** Whether this very call minted it. */
  readonly minted: boolean;
}

const flag = z.enum(['true', 'false']).transform((text) => text === 'true');
const count = z.coerce.number<string>().int().nonnegative();

export const JournalQuerySchema = closedObject({
  /** Only entries with a greater `seq`. */
  since: count.optional(),
  path: z.string().optional(),
  app_id: z.string().optional(),
  errcode: z.coerce.number<string>().int().optional(),
  outcome: z.enum(['in_flight', 'answered', 'cut', 'client_left']).optional(),
  minted: flag.optional(),
  foreign: flag.optional(),
  /** The tag of a token that the call brought or got. */
  tag: z.string().optional(),
  limit: count.default(1_000),
  /** The answer waits for that many entries that fit, at most `wait_ms` real milliseconds. */
  at_least: count.default(0),
  wait_ms: count.max(60_000).default(10_000),
});

export type JournalQuery = z.output<typeof JournalQuerySchema>;
export type JournalFilter = Omit<JournalQuery, 'limit' | 'at_least' | 'wait_ms'>;

export interface JournalView {
  /** Oldest first, `limit` at most. */
  entries: JournalEntry[];
  /** How many fit the filter, the ones past the limit included. */
  count: number;
  last_seq: number;
  /** Entries that were pushed out by `journal_limit` or cleared. */
  dropped: number;
}
