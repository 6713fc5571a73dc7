import { Catch, HttpException } from '@nestjs/common';
import type { ArgumentsHost, ExceptionFilter } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import type { Problem } from './problem.js';

const Details = z.object({
  detail: z.string(),
  errors: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
});

/** Errors of the control interface as problem+json (RFC 9457), with all that is wrong in `errors`. */
@Catch()
export class ControlFilter implements ExceptionFilter {
  catch(error: unknown, host: ArgumentsHost): void {
    const problem = problemOf(error);
    void host
      .switchToHttp()
      .getResponse<FastifyReply>()
      .code(problem.status)
      .header('content-type', 'application/problem+json; charset=utf-8')
      .send(JSON.stringify(problem));
  }
}

function problemOf(error: unknown): Problem {
  if (!(error instanceof HttpException)) {
    console.error('The simulator itself failed; please report this:', error);
    return { status: 500, detail: 'the simulator itself failed; its standard error says where' };
  }
  const details = Details.safeParse(error.getResponse());
  return {
    status: error.getStatus(),
    detail: error.message,
    ...details.data,
  };
}
