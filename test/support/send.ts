import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';

export interface RawAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

interface Sent {
  readonly headers?: Record<string, string>;
  readonly body?: string | undefined;
}

/** As it is: no header of a library's own, any path, any method. */
export async function send(
  base: string,
  method: string,
  path: string,
  { headers = {}, body }: Sent = {},
): Promise<RawAnswer> {
  const length =
    body === undefined || 'transfer-encoding' in headers
      ? {}
      : { 'content-length': String(Buffer.byteLength(body)) };
  const request = httpRequest(base, { method, path, headers: { ...headers, ...length } });
  request.end(body);
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  return {
    status: response.statusCode ?? 0,
    headers: new Headers(response.headers as Record<string, string>),
    text: await text(response),
  };
}
