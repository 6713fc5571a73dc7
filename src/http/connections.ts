import type { IncomingMessage, RequestListener, Server } from 'node:http';
import type { Socket } from 'node:net';

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

export interface UnreadLimit {
  /** For so long nothing of what waits to be sent may be taken. */
  readonly limitMs: number;
  readonly lookEveryMs: number;
}

interface Stuck {
  readonly sentBytes: number;
  readonly sinceMs: number;
}

/**
 * Ends connections that take nothing of their answers. Node's time-out of a socket counts from its last activity,
 * which the start of a write is, and it is prolonged once while bytes wait.
 */
export function endUnreadConnections(server: Server, { limitMs, lookEveryMs }: UnreadLimit): void {
  const sockets = new Map<Socket, Stuck | undefined>();
  const add = (socket: Socket): void => {
    sockets.set(socket, undefined);
    socket.once('close', () => sockets.delete(socket));
  };
  server.on('connection', add);
  // Over TLS the answers are written to another socket than the one that was accepted.
  server.on('secureConnection', add);
  const timer = setInterval(() => {
    const nowMs = performance.now();
    for (const [socket, stuck] of sockets) {
      if (socket.writableLength === 0) {
        sockets.set(socket, undefined);
        continue;
      }
      const sentBytes = socket.bytesWritten - socket.writableLength;
      if (stuck?.sentBytes !== sentBytes) {
        sockets.set(socket, { sentBytes, sinceMs: nowMs });
      } else if (nowMs - stuck.sinceMs >= limitMs) {
        socket.destroy();
      }
    }
  }, lookEveryMs);
  timer.unref();
  server.once('close', () => {
    clearInterval(timer);
  });
}
