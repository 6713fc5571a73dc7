import { applyDecorators } from '@nestjs/common';
import { ApiResponse } from '@nestjs/swagger';
import type { ErrorCode } from '../errors/app-error.js';
import { ERROR_STATUS } from './error-status.js';

/** Documents the errors that a route answers with: `@ApiProblems('token_unavailable', 'rate_limited')`. */
export function ApiProblems(...codes: ErrorCode[]): MethodDecorator & ClassDecorator {
  return applyDecorators(
    ...codes.map((code) => {
      const { status, title } = ERROR_STATUS[code];
      // A status that is documented twice keeps both descriptions.
      return ApiResponse({
        status,
        description: `\`${code}\`: ${title}.`,
        content: PROBLEM_CONTENT,
      });
    }),
  );
}

/** The body of an error answer, as OpenAPI says it; server/openapi.ts puts the schema under that name. */
export const PROBLEM_CONTENT = {
  'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } },
};
