/** One request of the demonstration; shown as a line of curl, and sent as it is shown. */
export interface HttpRequest {
  readonly method: 'GET' | 'POST';
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly body?: object;
  /** The answer says something by its status and its headers alone. */
  readonly showHeaders?: boolean;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly durationMs: number;
}

const ANSWER_LIMIT_MS = 10_000;

/** To be pasted into a POSIX shell, with nothing to fill in. */
export function curlLine(request: HttpRequest): string {
  const options = request.showHeaders === true ? ['-i'] : [];
  const hasBody = request.body !== undefined;
  // With -d, curl makes a POST by itself.
  const method = request.method === 'POST' && !hasBody ? ['-X', 'POST'] : [];
  const headers = Object.entries(headersOf(request)).flatMap(([name, value]) => [
    '-H',
    `${name}: ${value}`,
  ]);
  const body = hasBody ? ['-d', JSON.stringify(request.body)] : [];
  // Answers end without a newline, and the next prompt would stand beside them.
  const words = ['-sS', '-w', '\\n', ...options, ...method, ...headers, ...body, request.url];
  return ['curl', ...words.map(quoted)].join(' ');
}

/** @throws Error when no answer came within 10 s */
export async function send(request: HttpRequest): Promise<Answer> {
  const startedMs = performance.now();
  const response = await fetch(request.url, {
    method: request.method,
    headers: headersOf(request),
    body: request.body === undefined ? null : JSON.stringify(request.body),
    redirect: 'manual',
    signal: AbortSignal.timeout(ANSWER_LIMIT_MS),
  });
  return {
    status: response.status,
    headers: response.headers,
    text: await response.text(),
    durationMs: performance.now() - startedMs,
  };
}

function headersOf({ headers, body }: HttpRequest): Record<string, string> {
  return { ...headers, ...(body !== undefined && { 'Content-Type': 'application/json' }) };
}

function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
