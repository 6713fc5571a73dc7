import {
  errorCodes,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  type preParsingHookHandler,
} from 'fastify';
import { Readable } from 'node:stream';
import type { KeyAuthentication } from '../access/key-authentication.js';
import { presentedKey } from '../access/presented-key.js';
import { AppError } from '../errors/app-error.js';
import { hasStreamedBody } from '../http/streamed-body.js';

const WITH_BODY: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH', 'DELETE']);

/**
 * JSON, and nothing else; but where WeChat's words are spoken a body is handed on as it came, since WeChat
 * does not look at its Content-Type. Some clients send "Content-Type: application/json" with every POST:
 * without a body there is none.
 */
export function readBodies(fastify: FastifyInstance, isDropIn: (url: string) => boolean): void {
  const parse = fastify.getDefaultJsonParser('error', 'error');
  fastify.removeAllContentTypeParsers();
  // Only under WeChat's paths: elsewhere such a body was refused before it came here.
  fastify.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => {
    done(null, body);
  });
  fastify.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (isDropIn(request.url)) {
      done(null, body);
      return;
    }
    if (body.length === 0) {
      done(null, undefined);
      return;
    }
    void parse(request, body.toString(), done);
  });
}

/**
 * What speaks against a request is looked at before its body is read: an encoding (RFC 9110, 15.5.16), another media
 * type, a key that is not valid. So nobody without a key has a body read. Routes without a body pay nothing for it;
 * WeChat's own paths carry the key in the body and look at no media type.
 */
export function judgeBeforeTheBody(
  fastify: FastifyInstance,
  keys: () => KeyAuthentication,
  isDropIn: (url: string) => boolean,
): void {
  const judge: preParsingHookHandler = (request, reply, _payload, done) => {
    if (hasBody(request) && !isDropIn(request.url)) {
      try {
        assertBodyMayCome(request, reply, keys());
      } catch (error) {
        done(error as Error);
        return;
      }
    }
    done();
  };
  fastify.addHook('onRoute', (route) => {
    if (hasStreamedBody(route)) {
      route.preParsing = leaveBodyUnread;
      // Fastify looks at the length that is announced, also where it reads nothing.
      route.bodyLimit = Number.MAX_SAFE_INTEGER;
    } else if ([route.method].flat().some((method) => WITH_BODY.has(method))) {
      route.preParsing = [judge, ...[route.preParsing ?? []].flat()];
    }
  });
}

/** The handler reads the body itself, after the guards have checked the key. */
const leaveBodyUnread: preParsingHookHandler = (request, _reply, _payload, done) => {
  const { 'content-length': length = '0' } = request.headers;
  done(null, Object.assign(Readable.from([]), { receivedEncodedLength: Number(length) }));
};

/** @throws AppError */
function assertBodyMayCome(
  request: FastifyRequest,
  reply: FastifyReply,
  keys: KeyAuthentication,
): void {
  if (request.url.startsWith('/v1/')) {
    keys.identify(request, presentedKey(request.headers));
  }
  const { 'content-encoding': encoding = '', 'content-type': type = '' } = request.headers;
  if (!/^(?:identity)?$/i.test(encoding)) {
    reply.header('accept-encoding', 'identity');
    throw new AppError(
      'unsupported_media_type',
      'Send the body as it is, without Content-Encoding.',
    );
  }
  if (!/^application\/json *(?:;|$)/i.test(type)) {
    throw new errorCodes.FST_ERR_CTP_INVALID_MEDIA_TYPE();
  }
}

function hasBody({ headers }: FastifyRequest): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}
