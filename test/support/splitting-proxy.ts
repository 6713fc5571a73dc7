import { once } from 'node:events';
import { createServer, request as httpRequest, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

/** The paths that docs/sdks.md has nginx send to the service; all others go to WeChat. */
const OURS =
  /^\/cgi-bin\/(?:token|stable_token|getcallbackip|get_api_domain_ip|ticket\/getticket)$/;

export interface SplittingProxy {
  readonly url: string;
  /** How many calls went to the service. */
  readonly oursCount: () => number;
  close(): Promise<void>;
}

/** What stands before an SDK that knows one host for the token and for business calls. */
export async function startSplittingProxy(
  service: string,
  wechat: string,
): Promise<SplittingProxy> {
  let ours = 0;
  const server = createServer((incoming, outgoing) => {
    const path = incoming.url ?? '/';
    const isForUs = OURS.test(path.split('?', 1)[0] ?? '');
    ours += isForUs ? 1 : 0;
    const { method, headers } = incoming;
    const onward = httpRequest(isForUs ? service : wechat, {
      method,
      path,
      headers: { ...headers, host: 'api.weixin.qq.com' },
    });
    onward.on('response', (answer: IncomingMessage) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    onward.on('error', () => {
      outgoing.writeHead(502).end();
    });
    incoming.pipe(onward);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    oursCount: () => ours,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
