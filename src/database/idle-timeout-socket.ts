import { setDefaultAutoSelectFamilyAttemptTimeout, Socket } from 'node:net';
import { addressLimitMs } from '../time/address-limit.js';
import { STATEMENT_TIMEOUT_MS } from './database-error.js';

/** Longer than a statement may take, so that the statement is given up first and its error is the clear one. */
const SILENCE_MS = 6_000;

// The drivers connect with Node's default, which is one for the process: it is set here for all that set none.
setDefaultAutoSelectFamilyAttemptTimeout(addressLimitMs(STATEMENT_TIMEOUT_MS));

/**
 * A connection to a database server that breaks when nothing comes over it for a while.
 *
 * A server that freezes, or a network that swallows packets, answers with silence, and the system's own
 * limits are a quarter of an hour. Without this the pool would fill with connections that each wait for
 * an answer that never comes, and would not be usable when the server is back.
 */
export function idleTimeoutSocket(): Socket {
  const socket = new Socket();
  socket.setTimeout(SILENCE_MS, () => {
    socket.destroy();
  });
  return socket;
}
