import type { IncomingMessage } from 'node:http';
import { AppError } from '../../errors/app-error.js';
import type { CallEnd } from './call-end.js';

/** Bodies up to here are kept for the repeat after a healing, and may come without a length. */
const MOST_KEPT_BYTES = 1024 * 1024;
/** Of all calls of this process together; past it, bodies with a length are streamed and others wait for no memory. */
const MOST_KEPT_IN_ALL_BYTES = 64 * 1024 * 1024;

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
 * @param keep room for it; the caller gives back what {@link keptBytesOf} says
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
        'Too many bodies without a Content-Length are on their way. Send a Content-Length, or repeat the call.',
        { retryAfterSeconds: 1 },
      );
    }
    return readOrGiveBack(request, MOST_KEPT_BYTES, keep, end);
  }
  const lengthBytes = Number(length);
  if (lengthBytes > maxBytes) {
    throw new AppError(
      'payload_too_large',
      `The body may have at most ${maxBytes / MOST_KEPT_BYTES} MB (GATEWAY_MAX_BODY_MB). Send a smaller one.`,
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
    // It is an error after `end` as well, and then the answer says it.
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
    'The body ended, or stopped to come, before it was complete. Nothing was sent to WeChat. Send it again.',
    { errors: [{ path: 'body', message: 'is not complete' }] },
  );
}
