import type { IncomingHttpHeaders } from 'node:http';
import { Readable } from 'node:stream';
import type { Dispatcher } from 'undici';
import type { CallEnd } from './call-end.js';

/** An answer up to here is looked into before it goes on to the caller. */
const MOST_INSPECTED_BYTES = 64 * 1024;

const NOTHING = Buffer.alloc(0);

export interface UpstreamAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** Bytes where the answer is small and complete. */
  readonly body: Buffer | Readable;
  /** Grows while it is streamed. */
  readonly received: { readonly bytes: number };
}

/** It would be longer than what is let through. */
export class AnswerTooLargeError extends Error {
  override readonly name = 'AnswerTooLargeError';
}

/**
 * Receives one answer of WeChat's. A small one is collected to its end; a longer one becomes a stream as soon as that is
 * known, and WeChat is read no faster than the caller reads.
 */
export class AnswerReceiver implements Dispatcher.DispatchHandler {
  /** From here on WeChat may have got the request. */
  isSent = false;
  readonly answer: Promise<UpstreamAnswer>;
  private resolve: (answer: UpstreamAnswer) => void = () => undefined;
  private reject: (error: Error) => void = () => undefined;
  private controller: Dispatcher.DispatchController | undefined;
  private head: Pick<UpstreamAnswer, 'status' | 'headers'> = { status: 0, headers: {} };
  private collected: Buffer[] = [];
  private readonly received = { bytes: 0 };
  private stream: Readable | undefined;

  constructor(
    private readonly end: CallEnd,
    private readonly maxBytes: number,
  ) {
    this.answer = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
    end.onEnd(() => {
      const error = new Error('given up');
      if (this.controller === undefined) {
        this.fail(error);
      } else {
        this.controller.abort(error);
      }
    });
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.controller = controller;
    if (this.end.reason !== undefined) {
      controller.abort(new Error('given up'));
    } else {
      this.isSent = true;
    }
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: IncomingHttpHeaders,
  ): void {
    this.end.moved();
    if (status < 200) {
      return;
    }
    this.head = { status, headers };
    const lengthBytes = Number(headers['content-length'] ?? 0);
    if (lengthBytes > this.maxBytes) {
      throw new AnswerTooLargeError();
    }
    if (lengthBytes > MOST_INSPECTED_BYTES) {
      this.startStream();
    }
  }

  onResponseData(controller: Dispatcher.DispatchController, piece: Buffer): void {
    this.end.moved();
    this.received.bytes += piece.length;
    if (this.received.bytes > this.maxBytes) {
      throw new AnswerTooLargeError();
    }
    if (this.stream === undefined) {
      this.collected.push(piece);
      if (this.received.bytes > MOST_INSPECTED_BYTES) {
        this.startStream();
      }
    } else if (!this.stream.push(piece)) {
      controller.pause();
    }
  }

  onResponseEnd(): void {
    this.release();
    if (this.stream === undefined) {
      const [only = NOTHING] = this.collected;
      const body = this.collected.length > 1 ? Buffer.concat(this.collected) : only;
      this.resolve({ ...this.head, body, received: this.received });
    } else {
      this.stream.push(null);
    }
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.fail(error);
  }

  private startStream(): void {
    const { controller } = this;
    const stream = new Readable({
      read: () => {
        this.end.moved();
        controller?.resume();
      },
      destroy: (error, done) => {
        // The caller went away, or the answer broke off.
        controller?.abort(error ?? new Error('given up'));
        this.release();
        done(error);
      },
      autoDestroy: true,
    });
    this.stream = stream;
    this.collected.forEach((piece) => stream.push(piece));
    this.collected = [];
    this.resolve({ ...this.head, body: stream, received: this.received });
  }

  private fail(error: Error): void {
    this.release();
    if (this.stream === undefined) {
      this.reject(error);
    } else {
      this.stream.destroy(error);
    }
  }

  private release(): void {
    this.end.onEnd(undefined);
  }
}
