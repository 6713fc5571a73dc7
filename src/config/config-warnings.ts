import type { AppConfig } from './app-config.js';

/** The characters that a URL carries as they are (RFC 3986, 2.3). */
const UNRESERVED = /^[\w.~-]*$/;

/** What is allowed and may still go wrong: `NAME: what may happen and what to do`. No text holds a value. */
export function configWarnings({ keys, dropInEnabled }: AppConfig): string[] {
  const isUnsafe = keys.client !== undefined && !UNRESERVED.test(keys.client);
  return dropInEnabled && isUnsafe
    ? [
        'CLIENT_API_KEY: has characters that mean something else in a URL (such as + / = & # %). SDKs that send it as secret without encoding it are refused. Use letters and digits, such as `openssl rand -hex 24` prints, or a client made with POST /v1/admin/clients.',
      ]
    : [];
}
