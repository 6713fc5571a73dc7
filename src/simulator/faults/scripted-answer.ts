import type { ServerResponse } from 'node:http';
import { finished, pipeline } from 'node:stream/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { WECHAT_JSON } from './fault-answer.js';
import type { FaultSpec } from './fault.dto.js';

type ScriptedAnswer = Extract<FaultSpec, { kind: 'answer' }>;

const CHUNK = Buffer.alloc(65_536, 'x');

/**
 * Sends an `answer` fault byte by byte as it says, in constant memory, and as fast as its reader reads.
 * @param onCut where the fault breaks the connection
 * @throws where the reader goes away or the simulator closes
 */
export async function sendScripted(
  fault: ScriptedAnswer,
  response: ServerResponse,
  { closing, onCut }: { closing: AbortSignal; onCut: () => void },
): Promise<void> {
  const body = fault.filler_bytes ?? bodyOf(fault);
  const length = typeof body === 'number' ? body : body.length;
  const announced = fault.announced_bytes ?? length;
  const isCut = fault.cut_after_bytes !== undefined;
  const end = Math.min(length, fault.cut_after_bytes ?? length);
  const pauseAt = Math.min(fault.pause_after_bytes, end);
  const signal = AbortSignal.any([closing, untilClosed(response)]);
  // The response lets go of it at its end.
  const { socket } = response;
  response.writeHead(fault.status, {
    ...(!hasContentType(fault) && { 'content-type': WECHAT_JSON }),
    ...fault.headers,
    ...(announced !== 'none' && { 'content-length': announced }),
  });
  // Sends the headers; flushHeaders() would encode them as UTF-8.
  response.write(Buffer.alloc(0));
  async function* script(): AsyncGenerator<Buffer> {
    yield* chunks(body, 0, pauseAt);
    if (fault.pause_ms > 0) {
      await delay(fault.pause_ms, undefined, { signal });
    }
    yield* chunks(body, pauseAt, end);
  }
  await pipeline(script(), response, { end: false });
  if (isCut) {
    onCut();
  } else {
    response.end();
    await finished(response);
  }
  if (isCut || (announced !== 'none' && announced > length)) {
    // What was sent arrives; who waits for the rest learns that there is none.
    socket?.destroySoon();
  }
}

function untilClosed(response: ServerResponse): AbortSignal {
  const closed = new AbortController();
  response.once('close', () => {
    closed.abort();
  });
  return closed.signal;
}

function bodyOf({ body, body_base64: base64 }: ScriptedAnswer): Buffer {
  return base64 === undefined ? Buffer.from(body ?? '') : Buffer.from(base64, 'base64');
}

function hasContentType({ headers }: ScriptedAnswer): boolean {
  return Object.keys(headers).some((name) => name.toLowerCase() === 'content-type');
}

function* chunks(body: Buffer | number, from: number, to: number): Generator<Buffer> {
  for (let at = from; at < to; at += CHUNK.length) {
    const end = Math.min(to, at + CHUNK.length);
    yield typeof body === 'number' ? CHUNK.subarray(0, end - at) : body.subarray(at, end);
  }
}
