import type { IncomingMessage, RequestListener, Server } from 'node:http';
import type { Socket } from 'node:net';
import { Server as TlsServer } from 'node:tls';

/** What Node parses of one piece that arrived, 64 KiB, is some 1,600 requests at most. */
const MOST_WAITING = 2_000;

/**
 * Answers the requests of a connection one after the other.
 *
 * A client may send many without reading an answer (pipelining, RFC 9112, 9.3.2). Node hands over each as it is
 * parsed, and all their answers would wait in memory: 1,200 small requests for a large page were 1.8 GB. So a
 * request waits until the answer before it was taken, and meanwhile nothing more is read.
 */
export function inTurn(listener: RequestListener): RequestListener {
  const waiting = new WeakMap<Socket, number>();
  return (request: IncomingMessage, response) => {
    // Node assigns the socket to one response at a time.
    if (response.socket !== null) {
      listener(request, response);
      return;
    }
    const { socket } = request;
    const count = (waiting.get(socket) ?? 0) + 1;
    if (count > MOST_WAITING) {
      socket.destroy();
      return;
    }
    waiting.set(socket, count);
    socket.pause();
    response.once('socket', () => {
      const left = (waiting.get(socket) ?? 1) - 1;
      waiting.set(socket, left);
      if (left === 0) {
        socket.resume();
      }
      listener(request, response);
    });
  };
}

export interface StillLimits {
  /** For so long nothing of what waits to be sent may be taken. */
  readonly unreadMs: number;
  /** For so long nothing may be sent or received. */
  readonly silentMs: number;
  readonly lookEveryMs: number;
}

interface Seen {
  readonly isUnread: boolean;
  readonly sentBytes: number;
  readonly receivedBytes: number;
  readonly sinceMs: number;
}

/**
 * Ends connections that take nothing of their answers, and those on which nothing moves.
 *
 * Node's own time-out of a socket counts from its last activity, which the start of a write is, and it is prolonged
 * once while bytes wait. It is also a timer that each request makes anew, at 3 % of a read (docs/adr/0009).
 */
export function endStillConnections(
  server: Server,
  { unreadMs, silentMs, lookEveryMs }: StillLimits,
): void {
  const sockets = new Map<Socket, Seen>();
  // Over TLS what is accepted first is not the socket that counts, and the handshake has a limit of its own.
  server.on(server instanceof TlsServer ? 'secureConnection' : 'connection', (socket: Socket) => {
    sockets.set(socket, seen(socket));
    socket.once('close', () => sockets.delete(socket));
  });
  const timer = setInterval(() => {
    for (const [socket, before] of sockets) {
      const now = seen(socket);
      if (hasMoved(before, now)) {
        sockets.set(socket, now);
      } else if (now.sinceMs - before.sinceMs >= (now.isUnread ? unreadMs : silentMs)) {
        socket.destroy();
      }
    }
  }, lookEveryMs);
  timer.unref();
  server.once('close', () => {
    clearInterval(timer);
  });
}

function seen(socket: Socket): Seen {
  return {
    isUnread: socket.writableLength > 0,
    sentBytes: socket.bytesWritten - socket.writableLength,
    receivedBytes: socket.bytesRead,
    sinceMs: performance.now(),
  };
}

/** Whoever leaves an answer unread is not saved by what it goes on to send. */
function hasMoved(before: Seen, now: Seen): boolean {
  return (
    now.isUnread !== before.isUnread ||
    now.sentBytes !== before.sentBytes ||
    (!now.isUnread && now.receivedBytes !== before.receivedBytes)
  );
}
