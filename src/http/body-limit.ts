import type { IncomingMessage } from 'node:http';

const timers = new WeakMap<IncomingMessage, NodeJS.Timeout>();

/** Bounds the time from the end of a request's headers to the end of its body, if it has one. */
export function limitBody(request: IncomingMessage, limitMs: number, onTooLate: () => void): void {
  const { 'content-length': length = '0', 'transfer-encoding': encoding } = request.headers;
  if (length === '0' && encoding === undefined) {
    return;
  }
  const timer = setTimeout(() => {
    if (!request.complete) {
      onTooLate();
    }
  }, limitMs);
  timers.set(request, timer);
  request.once('close', () => {
    clearTimeout(timer);
  });
}

/** For who reads the body in pieces and has a limit of another kind. */
export function liftBodyLimit(request: IncomingMessage): void {
  clearTimeout(timers.get(request));
}
