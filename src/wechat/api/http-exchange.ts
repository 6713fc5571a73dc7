import type { HttpModuleOptions, HttpService } from '@nestjs/axios';
import { type AxiosRequestConfig, isAxiosError } from 'axios';
import { type AttemptAgent, type Route, attemptAgent } from './attempt-agent.js';

/** One request, ready to be sent to any of the hosts. */
export interface OutboundRequest {
  readonly method: 'GET' | 'POST';
  /** Path and query. The query holds secrets: never log it. */
  readonly target: string;
  readonly body: Buffer | undefined;
}

export interface Attempt {
  readonly origin: string;
  readonly request: OutboundRequest;
  readonly route: Route;
  /** From the look-up of the host to the last byte. */
  readonly timeoutMs: number;
  /** Ends the attempt early. */
  readonly signal: AbortSignal | undefined;
}

/** What an attempt came to. Holds no error of the HTTP library, since that holds the URL and the body. */
export type Exchange = Answered | Failed;

export interface Answered {
  readonly kind: 'answered';
  readonly status: number;
  readonly body: Buffer;
}

export interface Failed {
  readonly kind: 'failed';
  readonly bytesSent: boolean;
  readonly cause: 'timeout' | 'given_up' | 'bad_answer' | 'connection';
  /** A few safe words, such as ECONNREFUSED. */
  readonly reason: string;
}

const MAX_BYTES = 1024 * 1024;

/** What is the same for every request: the options of HttpModule. */
export const HTTP_OPTIONS: HttpModuleOptions = {
  headers: {
    'User-Agent': 'wechat-token-center',
    Accept: 'application/json',
    'Accept-Encoding': 'identity',
  },
  // The agent knows the proxy; axios would look for one in the process's variables.
  proxy: false,
  // A redirect would carry the AppSecret wherever it points.
  maxRedirects: 0,
  maxContentLength: MAX_BYTES,
  maxBodyLength: MAX_BYTES,
  decompress: false,
  responseType: 'arraybuffer',
  validateStatus: () => true,
};

/** One attempt at one host. Never rejects. */
export async function exchange(http: HttpService, attempt: Attempt): Promise<Exchange> {
  // One timer for all phases: axios' own starts late and anew, so that slow drops of bytes would pass it.
  const end = new AbortController();
  const timer = setTimeout(() => {
    end.abort('timeout');
  }, attempt.timeoutMs);
  const giveUp = (): void => {
    end.abort('given_up');
  };
  attempt.signal?.addEventListener('abort', giveUp, { once: true });
  if (attempt.signal?.aborted === true) {
    giveUp();
  }
  const agent = attemptAgent(new URL(attempt.origin), attempt.route, {
    signal: end.signal,
    timeoutMs: attempt.timeoutMs,
  });
  try {
    const response = await http.axiosRef.request<Buffer>(requestConfig(attempt, agent, end.signal));
    return { kind: 'answered', status: response.status, body: response.data };
  } catch (error) {
    return end.signal.aborted
      ? describeEnd(end.signal.reason, attempt, agent)
      : describeFailure(error, agent);
  } finally {
    clearTimeout(timer);
    attempt.signal?.removeEventListener('abort', giveUp);
    agent.destroy();
  }
}

function requestConfig(
  { origin, request }: Attempt,
  agent: AttemptAgent,
  signal: AbortSignal,
): AxiosRequestConfig<Buffer> {
  return {
    method: request.method,
    url: `${origin}${request.target}`,
    ...(request.body !== undefined && {
      data: request.body,
      headers: { 'Content-Type': 'application/json' },
    }),
    httpAgent: agent,
    httpsAgent: agent,
    signal,
  };
}

function describeEnd(cause: unknown, attempt: Attempt, agent: AttemptAgent): Failed {
  const bytesSent = agent.connected;
  if (cause === 'given_up') {
    return { kind: 'failed', bytesSent, cause, reason: 'given up by the caller' };
  }
  const missing = bytesSent ? 'no whole answer' : 'no connection';
  const reason = `${missing} within ${attempt.timeoutMs} ms`;
  return { kind: 'failed', bytesSent, cause: 'timeout', reason };
}

function describeFailure(error: unknown, agent: AttemptAgent): Failed {
  const bytesSent = agent.connected;
  if (agent.proxyRefusal !== undefined) {
    const reason = `the proxy of HTTPS_PROXY answered CONNECT with HTTP ${agent.proxyRefusal}`;
    return { kind: 'failed', bytesSent, cause: 'connection', reason };
  }
  if (bytesSent && isAxiosError(error) && error.code === 'ERR_BAD_RESPONSE') {
    const reason = 'the answer is cut off, or over 1 MiB';
    return { kind: 'failed', bytesSent, cause: 'bad_answer', reason };
  }
  return { kind: 'failed', bytesSent, cause: 'connection', reason: safeCode(error) };
}

/** The code alone, such as ENOTFOUND: a message may hold anything. */
export function safeCode(error: unknown): string {
  const code: unknown =
    typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  return typeof code === 'string' && /^[A-Z][A-Z0-9_]{1,60}$/.test(code) ? code : 'no code';
}
