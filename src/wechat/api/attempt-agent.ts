import http from 'node:http';
import https from 'node:https';
import type { Duplex } from 'node:stream';
import { promisify } from 'node:util';
import { HttpsProxyAgent } from 'https-proxy-agent';
import { addressLimitMs } from '../../time/address-limit.js';
import { isExcludedFromProxy } from './no-proxy.js';

/**
 * An agent that lets a request be written only once its connection stands.
 *
 * Node gives a request its socket while that still connects, so a failure then leaves open whether anything went out.
 * These agents hand the socket over after TCP, the proxy's CONNECT and TLS with a verified certificate have all
 * succeeded. Hence `connected` answers honestly whether bytes were sent: false, WeChat got none of the request; true,
 * it may have got all of it.
 *
 * An agent serves one attempt and keeps no connection alive: a kept one may be reset just as it is used again, and
 * nobody could tell whether that request was read. Some dozens of calls a day would gain nothing from it.
 */
export interface AttemptAgent extends http.Agent {
  readonly connected: boolean;
  /** The HTTP status with which the proxy refused to connect. */
  readonly proxyRefusal?: number | undefined;
}

export interface Route {
  readonly httpsProxy: string | undefined;
  readonly noProxy: string | undefined;
}

export interface AttemptLimits {
  /** Ends the connection, and the making of one. */
  readonly signal: AbortSignal;
  /** The time for the whole attempt, of which each address of a host gets a share. */
  readonly timeoutMs: number;
}

export function attemptAgent(url: URL, route: Route, limits: AttemptLimits): AttemptAgent {
  if (url.protocol === 'http:') {
    return new PlainAgent(limits);
  }
  if (route.httpsProxy === undefined || isExcludedFromProxy(url, route.noProxy)) {
    return new TlsAgent(limits);
  }
  return new TunnelAgent(route.httpsProxy, limits);
}

function connectOptions({ timeoutMs }: AttemptLimits): {
  keepAlive: false;
  autoSelectFamilyAttemptTimeout: number;
} {
  return { keepAlive: false, autoSelectFamilyAttemptTimeout: addressLimitMs(timeoutMs) };
}

type OnCreated = (error: Error | null, socket: Duplex) => void;

class PlainAgent extends http.Agent implements AttemptAgent {
  connected = false;

  constructor(private readonly limits: AttemptLimits) {
    super(connectOptions(limits));
  }

  override createConnection(options: http.ClientRequestArgs, onCreated: OnCreated): undefined {
    handOver(this, super.createConnection(options), 'connect', onCreated, this.limits.signal);
  }
}

class TlsAgent extends https.Agent implements AttemptAgent {
  connected = false;

  constructor(private readonly limits: AttemptLimits) {
    super(connectOptions(limits));
  }

  override createConnection(options: https.RequestOptions, onCreated: OnCreated): undefined {
    handOver(this, super.createConnection(options), 'secureConnect', onCreated, this.limits.signal);
  }
}

class TunnelAgent extends HttpsProxyAgent<string> implements AttemptAgent {
  connected = false;
  proxyRefusal: number | undefined;

  constructor(
    proxy: string,
    private readonly limits: AttemptLimits,
  ) {
    super(proxy, { ...connectOptions(limits), signal: limits.signal });
  }

  override async connect(
    ...[request, options]: Parameters<HttpsProxyAgent<string>['connect']>
  ): ReturnType<HttpsProxyAgent<string>['connect']> {
    request.once('proxyConnect', ({ statusCode }: { statusCode: number }) => {
      this.proxyRefusal = statusCode === 200 ? undefined : statusCode;
    });
    const socket = await super.connect(request, options);
    if (this.proxyRefusal !== undefined) {
      // The library would go on and show the proxy's refusal as if it were WeChat's answer.
      socket.destroy();
      throw new Error('the proxy refused to connect');
    }
    await promisify(whenEstablished)(socket, 'secureConnect', this.limits.signal);
    this.connected = true;
    return socket;
  }
}

function handOver(
  agent: { connected: boolean },
  socket: Duplex | null | undefined,
  event: 'connect' | 'secureConnect',
  onCreated: OnCreated,
  signal: AbortSignal,
): void {
  if (!socket) {
    throw new TypeError('node:http made no socket');
  }
  whenEstablished(socket, event, signal, (error) => {
    agent.connected = error === null;
    onCreated(error, socket);
  });
}

/** Calls `done` once: with null when the event comes, with an error when the socket ends before. */
function whenEstablished(
  socket: Duplex,
  event: 'connect' | 'secureConnect',
  signal: AbortSignal,
  done: (error: Error | null) => void,
): void {
  let settled = false;
  const settle = (error: Error | null): void => {
    if (!settled) {
      settled = true;
      done(error);
    }
  };
  const end = (): void => {
    socket.destroy();
  };
  socket.once(event, () => {
    settle(null);
  });
  // Stays on the socket: no error may find it without a listener until the request has added its own.
  socket.on('error', settle);
  socket.once('close', () => {
    signal.removeEventListener('abort', end);
    settle(new Error('closed before the connection stood'));
  });
  signal.addEventListener('abort', end, { once: true });
  if (signal.aborted) {
    end();
  }
}
