import { expectEqual, expectThat, jsonOf, positiveField, textField } from './expectation.js';
import { bearer, type Chapter, type Scene, type Step } from './step.js';

/** What a web page inside WeChat needs. */
export function pageChapter(scene: Scene): Chapter {
  return { title: 'A page uses the JS-SDK', steps: [readTicket(scene), signPage(scene)] };
}

function readTicket({ serviceUrl, appId, clientKey }: Scene): Step {
  return {
    title: 'Read the jsapi_ticket',
    note: 'Fetched at first need, then kept alive like the token. For cards: tickets/wx_card.',
    request: () => ({
      method: 'GET',
      url: `${serviceUrl}/v1/accounts/${appId}/tickets/jsapi`,
      headers: bearer(clientKey),
    }),
    check: (answer) => {
      const body = jsonOf(answer);
      expectEqual('type', body.type, 'jsapi');
      textField(body, 'ticket');
      positiveField(body, 'expires_in');
    },
    success: 'a live ticket',
  };
}

function signPage({ serviceUrl, appId, clientKey }: Scene): Step {
  return {
    title: 'Have a page signed',
    note: 'The answer goes into wx.config as it is. The ticket stays on the server.',
    request: () => ({
      method: 'POST',
      url: `${serviceUrl}/v1/accounts/${appId}/jssdk-signature`,
      headers: bearer(clientKey),
      body: { url: 'https://shop.example.com/goods?id=7' },
    }),
    check: (answer) => {
      const body = jsonOf(answer);
      expectEqual('appId', body.appId, appId);
      positiveField(body, 'timestamp');
      textField(body, 'nonceStr');
      expectThat('the signature is a SHA-1', /^[0-9a-f]{40}$/.test(textField(body, 'signature')));
    },
    success: 'appId, timestamp, nonceStr and signature',
  };
}
