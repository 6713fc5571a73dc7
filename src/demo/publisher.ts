import { z } from 'zod';
import type { Context, Known } from './calls.js';
import { send } from './http-call.js';

const text = z.string().min(1);

/** Makes the client that the calls through the gateway are made with, and asks for its handle. */
export async function preparePublisher(context: Context, known: Known): Promise<void> {
  const client = await send({
    method: 'POST',
    url: `${context.serviceUrl}/v1/admin/clients`,
    headers: { Authorization: `Bearer ${context.adminKey}` },
    body: {
      id: 'publisher',
      name: 'A publishing tool',
      scopes: ['gateway', 'login'],
      gateway: { allow: ['@drafts-and-media', 'POST /cgi-bin/message/custom/send'] },
    },
  });
  known.publisherKey = z.object({ key: text }).parse(JSON.parse(client.text)).key;
  const token = await send({
    method: 'GET',
    url: `${context.serviceUrl}/cgi-bin/token?grant_type=client_credential&appid=${context.appId}&secret=${known.publisherKey}`,
    headers: {},
  });
  known.handle = z.object({ access_token: text }).parse(JSON.parse(token.text)).access_token;
}
