import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type RequestListener, type Server, type ServerOptions } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { createSecureContext } from 'node:tls';
import type { AppConfig } from '../config/app-config.js';
import { ConfigError } from '../config/config.error.js';
import { limitBody } from '../http/body-limit.js';
import { endStillConnections, inTurn } from '../http/connections.js';

/** How long whoever connects may take, in milliseconds. Tests make them shorter. */
export interface ServerTimes {
  /** From the first byte of a request to the end of its headers, and from there to the end of its body. */
  readonly requestMs: number;
  /** How often Node looks for requests that take longer. */
  readonly lookEveryMs: number;
  /** How long a connection may be silent, or leave what it was sent unread. A reader may wait 60 s for an answer. */
  readonly silentMs: number;
  /** Longer than the usual 60 s of a load balancer, which would else reuse a connection that just closed. */
  readonly keepAliveMs: number;
  readonly handshakeMs: number;
}

export const SERVER_TIMES: ServerTimes = {
  requestMs: 10_000,
  lookEveryMs: 5_000,
  silentMs: 75_000,
  keepAliveMs: 65_000,
  handshakeMs: 10_000,
};

/** Authenticated encryption alone. TLS 1.2 has suites with CBC among Node's defaults; TLS 1.3 has none. */
const CIPHERS = [
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'TLS_AES_128_GCM_SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
].join(':');

/**
 * Makes the server on which Fastify answers, so that its limits hold for every way in which a request is answered:
 * plain HTTP, or HTTPS where the configuration names a certificate.
 * @throws ConfigError when the two files are not a certificate and its key
 */
export class ServerFactory {
  private static readonly factories = new WeakMap<object, ServerFactory>();
  private readonly servers: Server[] = [];
  private handler: RequestListener = () => undefined;
  private shortcut: (...request: Parameters<RequestListener>) => boolean = () => false;

  constructor(
    private readonly http: Pick<AppConfig['http'], 'tls'>,
    private readonly times: ServerTimes = SERVER_TIMES,
  ) {}

  /** The one that made a server. */
  static of(server: object): ServerFactory | undefined {
    return ServerFactory.factories.get(server);
  }

  /** For Fastify's option `serverFactory`. */
  readonly create = (handler: RequestListener): Server => {
    this.handler = handler;
    return this.createOne();
  };

  /** Asks `shortcut` before Fastify: it answers, or returns false and has touched nothing. */
  answerFirst(shortcut: (...request: Parameters<RequestListener>) => boolean): void {
    this.shortcut = shortcut;
  }

  /**
   * `localhost` has two addresses, and Fastify listens on both only with a server of its own making.
   * One that cannot be bound is left out: the machine may have one of them alone.
   */
  async listenOnOthers(host: string): Promise<void> {
    const [first] = this.servers;
    if (host !== 'localhost' || first === undefined) {
      return;
    }
    const { address, port } = first.address() as AddressInfo;
    const others = (await lookup(host, { all: true })).filter((other) => other.address !== address);
    for (const other of others) {
      const server = this.createOne();
      const bound = once(server, 'listening').then(
        () => true,
        () => false,
      );
      server.listen(port, other.address);
      if (await bound) {
        first.once('close', () => {
          server.close();
          server.closeIdleConnections();
        });
      }
    }
  }

  private createOne(): Server {
    const { requestMs, lookEveryMs, silentMs, keepAliveMs, handshakeMs } = this.times;
    const options: ServerOptions = {
      // Node has one limit for all requests; a body through the gateway may take longer than others (limitBody).
      requestTimeout: 0,
      headersTimeout: requestMs,
      keepAliveTimeout: keepAliveMs,
      connectionsCheckingInterval: lookEveryMs,
    };
    const { tls } = this.http;
    const listener = inTurn((request, response) => {
      if (!this.shortcut(request, response)) {
        limitBody(request, requestMs, () => {
          refuseConnection(new TooSlowError(), request.socket);
        });
        this.handler(request, response);
      }
    });
    const server =
      tls === undefined
        ? createServer(options, listener)
        : createSecureServer(
            {
              ...options,
              ...readCertificate(tls),
              handshakeTimeout: handshakeMs,
              ciphers: CIPHERS,
              minVersion: 'TLSv1.2',
            },
            listener,
          );
    endStillConnections(server, { unreadMs: silentMs, silentMs, lookEveryMs });
    this.servers.push(server);
    ServerFactory.factories.set(server, this);
    return server;
  }
}

/** @throws ConfigError */
function readCertificate({ certFile, keyFile }: { certFile: string; keyFile: string }): {
  cert: Buffer;
  key: Buffer;
} {
  const pair = { cert: readFileSync(certFile), key: readFileSync(keyFile) };
  try {
    createSecureContext(pair);
  } catch (error) {
    const code = error instanceof Object && 'code' in error ? String(error.code) : 'unknown';
    throw new ConfigError([
      `TLS_CERT_FILE: not a certificate (chain) in PEM, or TLS_KEY_FILE is not its key (${code}). Give the two files that belong together.`,
    ]);
  }
  return pair;
}

const STATUS: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
};

class TooSlowError extends Error {
  readonly code = 'ERR_HTTP_REQUEST_TIMEOUT';
}

/**
 * For Fastify's option `clientErrorHandler`. Anything but an HTTP request gets a bare status, and the socket is
 * destroyed: one that is only ended stays open until the client has read the answer. After other errors, such as an
 * unfinished TLS handshake, no answer can be sent.
 */
export function refuseConnection(error: NodeJS.ErrnoException, socket: Socket): void {
  const { code = '' } = error;
  if (socket.writable && /^(?:HPE_|ERR_HTTP_)/.test(code)) {
    const status = STATUS[code] ?? '400 Bad Request';
    socket.write(
      `HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\nX-Content-Type-Options: nosniff\r\n\r\n`,
    );
  }
  socket.destroySoon();
}
