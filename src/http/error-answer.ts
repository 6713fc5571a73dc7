import type { Logger } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { randomUUID } from 'node:crypto';
import type { AppError } from '../errors/app-error.js';
import { describeError } from '../errors/describe-error.js';
import { ERROR_STATUS } from './error-status.js';

/** Turns whatever was thrown into an answer. */
export interface ErrorAnswer {
  answer(thrown: unknown, request: FastifyRequest, reply: FastifyReply): void;
}

/** Told of each error that becomes an answer, before it is sent. @param status of the answer */
export type OnAnswer = (
  error: Error,
  request: FastifyRequest,
  reply: FastifyReply,
  status: number,
) => void;

/** Under which id an incident is in the log. */
const errorIds = new WeakMap<object, string>();

/**
 * One line of the log for an error that is answered; from 500 on, one for all who fail of the same: of a thousand who
 * wait for one refresh, each gets the id of the first one's line.
 * The route's pattern is logged and not the URL: a query may hold what must not be logged.
 * @returns the id under which the log has it, from 500 on
 */
export function logError(
  logger: Logger,
  error: AppError,
  request: FastifyRequest,
): string | undefined {
  const { code } = error;
  const { status } = ERROR_STATUS[code];
  const route = `${request.method} ${request.routeOptions.url ?? '(none)'}`;
  const line = { code, status, request_id: request.id, route };
  if (status < 500) {
    logger.debug({ event: 'request_refused', ...line });
    return undefined;
  }
  const known = errorIds.get(error.incident);
  if (known !== undefined) {
    logger.debug({ event: 'request_failed', error_id: known, ...line });
    return known;
  }
  const errorId = randomUUID();
  errorIds.set(error.incident, errorId);
  logger.error({
    event: 'request_failed',
    error_id: errorId,
    ...line,
    detail: error.message,
    ...(error.upstream && { upstream: error.upstream }),
    ...(error.cause !== undefined && { err: describeError(error.cause) }),
  });
  return errorId;
}
