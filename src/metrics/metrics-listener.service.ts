import { Injectable, Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { AppConfig } from '../config/app-config.js';
import { listenAdvice, urlOf } from '../config/listen-advice.js';
import { StartError } from '../errors/fatal-errors.js';
import { endStillConnections, inTurn } from '../http/connections.js';
import { MetricsRegistry } from '../observability/metrics-registry.js';

const TIMEOUTS = { headersTimeout: 5_000, requestTimeout: 5_000, keepAliveTimeout: 65_000 };
const STILL = { unreadMs: 75_000, silentMs: 75_000, lookEveryMs: 5_000 };

/**
 * `/metrics` without a key, on a port of its own that only Prometheus should reach. Plain HTTP without Nest:
 * nothing else can be asked here.
 */
@Injectable()
export class MetricsListenerService implements OnModuleInit, OnApplicationShutdown {
  private readonly logger = new Logger(MetricsListenerService.name);
  private readonly server: Server;

  constructor(
    private readonly registry: MetricsRegistry,
    private readonly config: AppConfig,
  ) {
    const answer = inTurn((request, response) => {
      this.answer(request, response).catch((error: unknown) => {
        this.logger.error(error);
        response.destroy();
      });
    });
    this.server = createServer(TIMEOUTS, answer);
    endStillConnections(this.server, STILL);
  }

  /**
   * Before anything is loaded or fetched.
   * @throws StartError when the port cannot be bound
   */
  async onModuleInit(): Promise<void> {
    const { host, port } = this.config.metrics;
    if (port === undefined) {
      return;
    }
    try {
      this.server.listen({ host, port });
      await once(this.server, 'listening');
    } catch (error) {
      const advice = listenAdvice(error, { host: 'METRICS_HOST', port: 'METRICS_PORT' });
      throw new StartError(`cannot listen on ${host}:${port}: ${advice}`, { cause: error });
    }
    const url = `${urlOf('http', host, this.port ?? port)}/metrics`;
    this.logger.log(`metrics on ${url}`, { event: 'metrics_listening', url });
  }

  /** Last of all: the shutdown can be watched. */
  async onApplicationShutdown(): Promise<void> {
    if (this.server.listening) {
      const closed = once(this.server, 'close');
      this.server.close();
      this.server.closeAllConnections();
      await closed;
    }
  }

  /** Where it listens, while it does. */
  get port(): number | undefined {
    return (this.server.address() as AddressInfo | null)?.port;
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.setHeader('x-content-type-options', 'nosniff');
    if (request.url?.split('?', 1)[0] !== '/metrics') {
      response.writeHead(404).end();
      return;
    }
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.writeHead(405, { allow: 'GET, HEAD' }).end();
      return;
    }
    const text = await this.registry.scrape();
    response.writeHead(200, {
      'content-type': this.registry.contentType,
      'content-length': Buffer.byteLength(text),
      'cache-control': 'no-store',
    });
    response.end(request.method === 'HEAD' ? undefined : text);
  }
}
