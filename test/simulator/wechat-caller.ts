import { expect } from '@jest/globals';
import http from 'node:http';

export const APP_ID = 'wx0123456789abcdef';
export const SECRET = '0123456789abcdef0123456789abcdef';
export const OTHER_APP_ID = 'wxfedcba9876543210';
export const OTHER_SECRET = 'fedcba9876543210fedcba9876543210';

export type Json = Record<string, unknown>;

/** A caller of the simulated WeChat, as plain as an SDK is: it knows nothing of the control interface. */
export class WechatCaller {
  constructor(
    private readonly url: string,
    private readonly appId = APP_ID,
    private readonly secret = SECRET,
  ) {}

  fetchLegacy(overrides: Record<string, string> = {}): Promise<Json> {
    return this.getJson('/cgi-bin/token', {
      grant_type: 'client_credential',
      appid: this.appId,
      secret: this.secret,
      ...overrides,
    });
  }

  fetchStable(overrides: Json = {}): Promise<Json> {
    return this.postJson('/cgi-bin/stable_token', {
      grant_type: 'client_credential',
      appid: this.appId,
      secret: this.secret,
      ...overrides,
    });
  }

  force(): Promise<Json> {
    return this.fetchStable({ force_refresh: true });
  }

  /** The errcode of an ordinary call with the token; 0 while it is alive. */
  async errcodeWith(token: unknown): Promise<unknown> {
    const answer = await this.getJson('/cgi-bin/getcallbackip', { access_token: String(token) });
    return answer.errcode ?? 0;
  }

  async getJson(path: string, query: Record<string, string> = {}): Promise<Json> {
    const response = await fetch(`${this.url}${path}?${new URLSearchParams(query).toString()}`);
    expect(response.status).toBe(200);
    return (await response.json()) as Json;
  }

  async postJson(path: string, body: unknown): Promise<Json> {
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    const response = await fetch(`${this.url}${path}`, { method: 'POST', body: text });
    expect(response.status).toBe(200);
    return (await response.json()) as Json;
  }

  /** The same legacy fetch over a bare socket: what a fault does to a connection shows. */
  tokenUrl(): string {
    const query = `grant_type=client_credential&appid=${this.appId}&secret=${this.secret}`;
    return `${this.url}/cgi-bin/token?${query}`;
  }
}

export interface RawAnswer {
  status: number | undefined;
  headers: http.IncomingHttpHeaders;
  /** What came, though the connection may have ended too early. */
  body: string;
  /** Whether it did. */
  isComplete: boolean;
}

/** One request on a connection of its own. Rejects where not even a status came. */
export function rawRequest(
  url: string,
  options: http.RequestOptions = {},
  body?: string,
): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const request = http.request(url, { agent: false, ...options }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        text += chunk;
      });
      response.once('close', () => {
        resolve({
          status: response.statusCode,
          headers: response.headers,
          body: text,
          isComplete: response.complete,
        });
      });
      // The end that comes too early is what `isComplete` tells.
      response.on('error', () => undefined);
    });
    request.once('error', reject);
    request.end(body);
  });
}
