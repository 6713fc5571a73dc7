import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

const MIB = 1_048_576;
const KEPT_BYTES = MIB;
/** WeChat takes media of 10 MiB at most; the rest is what multipart adds. */
const KEPT_MEDIA_BYTES = 10 * MIB + 65_536;
const MEDIA_PATHS = ['/cgi-bin/media/upload', '/cgi-bin/material/add_material'];

export interface RequestBody {
  /** How many bytes came. */
  readonly length: number;
  /** Hexadecimal; null where there is no body, or where not all of it came. */
  readonly sha256: string | null;
  /** The body itself, or null where it is too large to be kept. */
  readonly bytes: Buffer | null;
  /** False: its sender went away. */
  readonly isComplete: boolean;
}

/**
 * Reads a body to its end. All of it is counted and hashed; it is kept only where it is small, so that 100 MB
 * take no more memory than one chunk.
 */
export async function readBody(request: IncomingMessage, path: string): Promise<RequestBody> {
  const limit = MEDIA_PATHS.includes(path) ? KEPT_MEDIA_BYTES : KEPT_BYTES;
  const hash = createHash('sha256');
  let kept: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      length += chunk.length;
      hash.update(chunk);
      if (length > limit) {
        kept = [];
      } else {
        kept.push(chunk);
      }
    }
  } catch (error) {
    if (request.complete) {
      throw error;
    }
    return { length, sha256: null, bytes: null, isComplete: false };
  }
  return {
    length,
    sha256: length === 0 ? null : hash.digest('hex'),
    bytes: length > limit ? null : Buffer.concat(kept),
    isComplete: true,
  };
}
