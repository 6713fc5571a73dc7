import { Agent, request } from 'node:http';

export interface HttpAnswer {
  /** 0: there was no answer, and `body` is empty. */
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
  /** Why there was no answer. */
  readonly failure: string | null;
}

export interface HttpCall {
  readonly method?: 'GET' | 'POST' | 'DELETE';
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly timeoutMs: number;
}

const agent = new Agent({ keepAlive: true, maxSockets: 64 });

/** A call with a limit on its whole length. Never rejects. */
export function httpCall(call: HttpCall): Promise<HttpAnswer> {
  const text = call.body === undefined ? undefined : JSON.stringify(call.body);
  const headers: Record<string, string | number> = { ...call.headers };
  if (text !== undefined) {
    headers['content-type'] = 'application/json';
    headers['content-length'] = Buffer.byteLength(text);
  }
  return new Promise((resolve) => {
    const fail = (failure: string): void => {
      clearTimeout(timer);
      resolve({ status: 0, body: {}, failure });
    };
    const options = { method: call.method ?? 'GET', headers, agent };
    const outgoing = request(call.url, options, (incoming) => {
      const chunks: Buffer[] = [];
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
      incoming.on('error', () => {
        fail('broken_answer');
      });
      incoming.on('end', () => {
        clearTimeout(timer);
        const body = parseObject(Buffer.concat(chunks).toString());
        resolve({ status: incoming.statusCode ?? 0, body, failure: null });
      });
    });
    const timer = setTimeout(() => {
      fail('timeout');
      outgoing.destroy();
    }, call.timeoutMs);
    outgoing.on('error', (error: NodeJS.ErrnoException) => {
      fail(error.code ?? 'error');
    });
    outgoing.end(text);
  });
}

export function closeIdleConnections(): void {
  agent.destroy();
}

function parseObject(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

export function textOf(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

export function numberOf(value: unknown): number | null {
  return typeof value === 'number' ? value : null;
}
