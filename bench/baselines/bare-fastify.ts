import { fastify } from 'fastify';
import { clientOf, PORT, tokenOf } from './answer.js';

/** Fastify with one route, as somebody writes it who wants nothing but this: the figure to measure against. */
const app = fastify();

app.get<{ Params: { app_id: string } }>('/v1/accounts/:app_id/access-token', (request, reply) => {
  if (clientOf(request.headers.authorization) === undefined) {
    return reply.code(401).send({ code: 'unauthenticated' });
  }
  const body = tokenOf(request.params.app_id);
  return body ?? reply.code(404).send({ code: 'not_found' });
});

const url = await app.listen({ port: PORT, host: '127.0.0.1' });
process.stdout.write(`listening on ${url}\n`);
