import type { IncomingMessage } from 'node:http';
import { AppError } from '../../errors/app-error.js';
import type { CallEnd } from './call-end.js';

const MEBIBYTE = 1024 * 1024;
/** Bodies up to here are kept for the repeat after a dead token, and may come without a length. */
const MOST_KEPT_BYTES = MEBIBYTE;
/** Of all calls of this process together. Past it, a body with a length is streamed, and one without is refused. */
const MOST_KEPT_IN_ALL_BYTES = 64 * MEBIBYTE;

export type CallerBody =
  | { readonly kind: 'none' }
  /** May be sent again. */
  | { readonly kind: 'kept'; readonly bytes: Buffer }
  /** May be sent once. */
  | { readonly kind: 'streamed'; readonly request: IncomingMessage; readonly lengthBytes: number };

/** How many bytes of bodies this process keeps. */
export class KeptBytes {
  private taken = 0;

  /** @returns false where there is no room */
  take(bytes: number): boolean {
    if (this.taken + bytes > MOST_KEPT_IN_ALL_BYTES) {
      return false;
    }
    this.taken += bytes;
    return true;
  }

  give(bytes: number): void {
    this.taken -= bytes;
  }
}

/**
 * The body of a call. WeChat answers 412 to one without a Content-Length, so such a body is read to its end first.
 * @param keep where room for a `kept` body is taken; the caller gives its length back
 * @throws AppError `payload_too_large`, `length_required`, `validation_failed` for one that ends early or stalls,
 *   `rate_limited` where there is no memory for one without a length
 */
export async function takeBody(
  request: IncomingMessage,
  maxBytes: number,
  keep: KeptBytes,
  end: CallEnd,
): Promise<CallerBody> {
  const { 'transfer-encoding': encoding, 'content-length': length = '0' } = request.headers;
  if (encoding !== undefined) {
    if (!keep.take(MOST_KEPT_BYTES)) {
      throw new AppError(
        'rate_limited',
        'Too many calls with a body are under way. Send a Content-Length, or repeat the call after Retry-After.',
        { retryAfterSeconds: 1 },
      );
    }
    return readOrGiveBack(request, MOST_KEPT_BYTES, keep, end);
  }
  const lengthBytes = Number(length);
  if (lengthBytes > maxBytes) {
    throw new AppError(
      'payload_too_large',
      `The body may have at most ${maxBytes / MEBIBYTE} MB (GATEWAY_MAX_BODY_MB). Send a smaller one.`,
    );
  }
  if (lengthBytes === 0) {
    return { kind: 'none' };
  }
  if (lengthBytes > MOST_KEPT_BYTES || !keep.take(lengthBytes)) {
    return { kind: 'streamed', request, lengthBytes };
  }
  return readOrGiveBack(request, lengthBytes, keep, end);
}

/** A body that is streamed, piece by piece. The request outlives it: its answer is still to come. */
export async function* pieces(request: IncomingMessage, end: CallEnd): AsyncGenerator<Buffer> {
  for await (const piece of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    end.moved();
    yield piece;
  }
}

async function readOrGiveBack(
  request: IncomingMessage,
  roomBytes: number,
  keep: KeptBytes,
  end: CallEnd,
): Promise<CallerBody> {
  let keptBytes = 0;
  try {
    const bytes = await readWhole(request, end);
    keptBytes = bytes.length;
    return { kind: 'kept', bytes };
  } finally {
    keep.give(roomBytes - keptBytes);
  }
}

function readWhole(request: IncomingMessage, end: CallEnd): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const read: Buffer[] = [];
    let readBytes = 0;
    const settle = (error?: Error): void => {
      request.off('data', onData);
      end.onEnd(undefined);
      if (error === undefined) {
        resolve(Buffer.concat(read));
      } else {
        reject(error);
      }
    };
    const onData = (piece: Buffer): void => {
      end.moved();
      readBytes += piece.length;
      read.push(piece);
      if (readBytes > MOST_KEPT_BYTES) {
        settle(lengthRequired());
      }
    };
    const onEnd = (): void => {
      settle(brokenBody());
    };
    request.on('data', onData);
    request.once('end', () => {
      settle();
    });
    // A second settle does nothing.
    request.on('error', () => {
      settle(brokenBody());
    });
    end.onEnd(onEnd);
  });
}

function lengthRequired(): AppError {
  return new AppError(
    'length_required',
    'A body of more than 1 MiB needs a Content-Length, since WeChat takes none without. Send it with one.',
  );
}

function brokenBody(): AppError {
  return new AppError(
    'validation_failed',
    'The body stopped before it was complete. Nothing was sent to WeChat. Send it again.',
    { errors: [{ path: 'body', message: 'is not complete' }] },
  );
}
