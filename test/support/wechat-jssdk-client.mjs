/*
 * wechat-jssdk as its users run it, in a process of its own: it starts timers that nobody can stop.
 * Called with its options as JSON; asks twice for the signature of a page and prints what it then holds.
 */
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const { Wechat } = require('wechat-jssdk');

const [options = '{}', page = ''] = process.argv.slice(2);
const { jssdk, store } = new Wechat(JSON.parse(options));
const first = await jssdk.getSignature(page);
const second = await jssdk.getSignature(page);
const { accessToken, jsapi_ticket: ticket } = await store.getGlobalToken();
process.stdout.write(JSON.stringify({ first, second, accessToken, ticket }), () => {
  process.exit(0);
});
