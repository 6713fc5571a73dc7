import type { PinnedProcess } from './pinned-process.js';

/** What is asked, over and over. */
export interface Question {
  readonly process: PinnedProcess;
  /** One after the other. */
  readonly paths: readonly string[];
  readonly headers: Readonly<Record<string, string>>;
  /** One after the other, each with the path beside it; in place of `headers`. */
  readonly headersInTurn?: readonly Readonly<Record<string, string>>[];
  /** JSON; with one the method is POST, else GET. */
  readonly body?: string;
  /** The only status that counts as an answer. */
  readonly status: number;
}

/** The bytes of each request, so that to send one costs the load next to nothing. */
export function requestsOf({ process, paths, headers, headersInTurn, body }: Question): Buffer[] {
  const { host } = new URL(process.url);
  const ofBody = body !== undefined && {
    'content-type': 'application/json',
    'content-length': String(Buffer.byteLength(body)),
  };
  const all = headersInTurn ?? paths.map(() => headers);
  return all.map((each, index) => {
    const path = paths[index % paths.length] ?? '/';
    const fields = Object.entries({ host, ...each, ...ofBody });
    const lines = fields.map(([name, value]) => `${name}: ${value}\r\n`).join('');
    const method = body === undefined ? 'GET' : 'POST';
    return Buffer.from(`${method} ${path} HTTP/1.1\r\n${lines}\r\n${body ?? ''}`, 'utf8');
  });
}
